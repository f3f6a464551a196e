-- How the columns of data/etablissements-excel.csv become records: one company
-- per SIREN (or per name, where there is none), its establishments below it, and
-- a ticket for every establishment whose SIRET is still to be found.
return {
  records = {
    {
      name = "company",
      module = "Accounts",
      key = { "{SIREN}", "{Entité}" },
      distinct = true,
      fields = {
        accountname = "Entité",
        siren = "SIREN",
        accounttype = { const = "Headquarters" },
      },
    },
    {
      name = "establishment",
      module = "Accounts",
      fields = {
        accountname = { fn = function(row)
          return row["Entité"] .. " – " .. row["Établissement"]
        end },
        account_id = { record = "company" },
        accounttype = { const = "Establishment" },
        siren = "SIREN",
        siret = "SIRET",
        siccode = "Code APE",
        bill_street = "Adresse",
        bill_city = "Ville",
        bill_state = "Région",
        bill_country = { const = "France" },
        latitude = "Latitude",
        longitude = "Longitude",
        description = "Activité",
      },
    },
    {
      name = "ticket",
      module = "HelpDesk",
      when = function(row) return row.SIRET == "" end,
      fields = {
        ticket_title = { fn = function(row)
          return "SIRET à trouver : " .. row["Entité"] .. ", " .. row["Établissement"]
        end },
        parent_id = { record = "establishment" },
        ticketstatus = { const = "Open" },
        ticketpriorities = { const = "Low" },
        description = "Commentaire",
      },
    },
  },
}
