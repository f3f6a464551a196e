<?php
// What both PHP peers send.
const ELEMENT = [
  "ticket_title" => "Panneau livré en retard", "ticketstatus" => "Open",
  "ticketpriorities" => "High", "ticketseverities" => "Major",
  "ticketcategories" => "Big Problem", "assigned_user_id" => "19x1",
  "parent_id" => "11x262015", "contact_id" => "12x4711", "hours" => "0",
  "days" => "0", "description" => "Société des pépinières du Val: la livraison "
    . "prévue lundi n'est pas arrivée.", "solution" => "",
];

// Set a reused handle up for the next call.
function prepare($handle, string $url, string $operation, string $session): void {
  $fields = ["operation" => $operation, "sessionName" => $session];
  if ($operation === "create") {
    $fields["elementType"] = "HelpDesk";
    $fields["element"] = json_encode(ELEMENT);
    curl_setopt($handle, CURLOPT_URL, $url);
    curl_setopt($handle, CURLOPT_POSTFIELDS, http_build_query($fields));
    return;
  }
  if ($operation === "query") $fields["query"] = "SELECT * FROM HelpDesk LIMIT 100;";
  else $fields["id"] = "17x1000001";
  curl_setopt($handle, CURLOPT_URL, $url . "?" . http_build_query($fields));
}

function new_handle() {
  $handle = curl_init();
  curl_setopt($handle, CURLOPT_RETURNTRANSFER, true);
  return $handle;
}

function check(?string $body): void {
  if (!json_decode($body, true)["success"]) throw new Exception("refused");
}
