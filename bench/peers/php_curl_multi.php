<?php
// PHP curl_multi, IN_FLIGHT reused handles.
require __DIR__ . "/php_request.php";
[, $url, $operation, $calls, $lanes] = $argv;
$multi = curl_multi_init();
$left = (int) $calls;
$sessions = new SplObjectStorage();
for ($i = 1; $i <= (int) $lanes && $left > 0; $i++, $left--) {
  $handle = new_handle();
  $sessions[$handle] = "s$i";
  prepare($handle, $url, $operation, $sessions[$handle]);
  curl_multi_add_handle($multi, $handle);
}
do {
  curl_multi_exec($multi, $running);
  $finished = 0;
  while ($info = curl_multi_info_read($multi)) {
    $handle = $info["handle"];
    $body = curl_multi_getcontent($handle);
    curl_multi_remove_handle($multi, $handle);
    if ($left-- > 0) {
      prepare($handle, $url, $operation, $sessions[$handle]);
      curl_multi_add_handle($multi, $handle);
      $running++;
    }
    check($body);
    $finished++;
  }
  if (!$finished && $running) curl_multi_select($multi, 1.0);
} while ($running > 0);
