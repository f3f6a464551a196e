<?php
// PHP curl, one reused handle, one request at a time.
require __DIR__ . "/php_request.php";
[, $url, $operation, $calls] = $argv;
$handle = new_handle();
for ($i = 0; $i < (int) $calls; $i++) {
  prepare($handle, $url, $operation, "s1");
  check(curl_exec($handle));
}
