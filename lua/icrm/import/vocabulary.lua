--- What people write over their columns, in French and in English, and which fields
--- of the stock modules mean it.
-- @module icrm.import.vocabulary

local text_tools = require "icrm.text"

local M = {}

-- `fields`: the first that a module has is meant; `more`: for further columns of the
-- same meaning; `shipping`: the same of the other address; `weak`: only where no other
-- column means it. The words are folded, without
-- punctuation and articles (see M.normal).
local MEANINGS = {
  { fields = "accountname company account_id parent_id related_to",
    words = "raison sociale,societe,entreprise,nom societe,nom entreprise,denomination,"
    .. "denomination sociale,client,nom client,compte,nom compte,organisation,nom organisation,"
    .. "etablissement,enseigne,company,company name,account,account name,"
    .. "organization,organization name,"
    .. "customer,customer name,business" },
  { fields = "lastname accountname potentialname productname", words = "nom,name" },
  { fields = "lastname", words = "nom famille,nom contact,patronyme,last name,lastname,surname,"
    .. "family name" },
  { fields = "firstname", words = "prenom,prenoms,first name,firstname,given name,forename" },
  { fields = "salutationtype", words = "civilite,civ,titre civilite,salutation,politesse" },
  { fields = "title designation", words = "fonction,poste,fonction poste,poste occupe,metier,"
    .. "qualite,role,job title,job,position" },
  { fields = "birthday", words = "date naissance,naissance,ne,nee,anniversaire,birthday,birthdate,"
    .. "date birth,birth date" },
  { fields = "account_id", words = "maison mere,societe mere,groupe,societe parente,filiale,"
    .. "membre,parent,parent account,parent company,member,holding" },
  { fields = "contact_id", words = "contact,interlocuteur,contact name,personne" },
  { fields = "phone", more = "otherphone homephone", words = "tel,telephone,tel 1,telephone 1,"
    .. "tel fixe,fixe,telephone fixe,tel bureau,telephone bureau,tel pro,telephone pro,"
    .. "telephone professionnel,standard,ligne directe,numero telephone,tel 2,telephone 2,"
    .. "autre tel,autre telephone,phone,phone number,office phone,work phone,business phone,"
    .. "primary phone,telephone number" },
  { fields = "mobile otherphone", words = "mobile,portable,tel portable,telephone portable,"
    .. "tel mobile,telephone mobile,numero portable,gsm,mobile phone,cell,cell phone,cellphone" },
  { fields = "homephone", words = "tel personnel,telephone personnel,tel domicile,home phone" },
  { fields = "fax", words = "fax,telecopie,telecopieur,numero fax,fax number" },
  { fields = "email1 email", more = "email2 secondaryemail", words = "email,e mail,mail,mel,"
    .. "courriel,adresse mail,adresse e mail,adresse email,adresse electronique,email 1,email 2,"
    .. "mail 2,autre email,email pro,email professionnel,email address,e mail address,"
    .. "primary email,secondary email,work email" },
  { fields = "website", words = "site,site web,site internet,web,www,url,internet,page web,lien,"
    .. "website,web site,homepage,home page" },
  { fields = "bill_street mailingstreet lane", shipping = "ship_street otherstreet",
    words = "adresse,rue,voie,adresse 1,adresse postale,adresse complete,numero rue,street,"
    .. "address,address 1,street address,billing street,mailing street" },
  { fields = "bill_code mailingzip code", shipping = "ship_code otherzip", words = "cp,code postal,"
    .. "codepostal,c p,code post,zip,zip code,postal code,post code,postcode,billing code,"
    .. "mailing zip,zip postal code" },
  { fields = "bill_city mailingcity city", shipping = "ship_city othercity", words = "ville,"
    .. "commune,localite,bureau distributeur,city,town,billing city,mailing city" },
  { fields = "bill_state mailingstate state", shipping = "ship_state otherstate", words = "region,"
    .. "province,canton,state,billing state,mailing state" },
  { fields = "bill_state mailingstate state", shipping = "ship_state otherstate", weak = true,
    words = "departement,dept,dep,dpt,county" },
  { fields = "bill_country mailingcountry country", shipping = "ship_country othercountry",
    words = "pays,country,billing country,mailing country" },
  { fields = "bill_pobox mailingpobox pobox", shipping = "ship_pobox otherpobox", words = "bp,"
    .. "boite postale,po box,billing po box,mailing po box" },
  { fields = "siren", words = "siren,numero siren,code siren" },
  { fields = "siret", words = "siret,numero siret,code siret,siret siege" },
  { fields = "siccode", words = "ape,naf,code ape,code naf,ape naf,code ape naf,sic,sic code" },
  { fields = "annual_revenue annualrevenue", words = "ca,chiffre affaires,chiffre affaire,"
    .. "ca annuel,ca ht,chiffre affaires annuel,annual revenue,revenue,turnover" },
  { fields = "employees noofemployees", words = "effectif,effectifs,salaries,nombre salaries,"
    .. "nb salaries,nombre employes,nb employes,employes,collaborateurs,employees,"
    .. "number employees,no employees,headcount,staff" },
  { fields = "industry", words = "secteur,secteur activite,branche,industrie,industry,sector" },
  { fields = "industry", weak = true, words = "activite,activite principale,business activity" },
  { fields = "accounttype opportunity_type ticketcategories", words = "type,type client,"
    .. "type compte,categorie client,account type,customer type" },
  { fields = "customer_code", words = "code client,numero client,ref client,reference client,"
    .. "customer code,customer number,customer id" },
  { fields = "accounting_code", words = "code comptable,compte comptable,numero comptable" },
  { fields = "assigned_user_id", words = "commercial,commerciale,responsable,proprietaire,"
    .. "charge affaires,charge clientele,assigne,attribue,suivi,vendeur,gestionnaire,assigned,"
    .. "assigned user,owner,account manager,sales rep,salesperson" },
  { fields = "leadsource", words = "origine,source,provenance,canal,lead source" },
  { fields = "ticket_title subject potentialname", words = "objet,sujet,titre,intitule,demande,"
    .. "probleme,subject,title,issue,summary" },
  { fields = "ticketpriorities taskpriority", words = "priorite,urgence,priority" },
  { fields = "ticketstatus taskstatus leadstatus", words = "statut,etat,avancement,status,state" },
  { fields = "ticketcategories", words = "categorie,type demande,famille,category" },
  { fields = "ticketseverities", words = "severite,gravite,severity" },
  { fields = "hours", words = "heures,temps,temps passe,nb heures,nombre heures,duree,hours,time" },
  { fields = "days", words = "jours,nb jours,nombre jours,days" },
  { fields = "solution", words = "solution,resolution,reponse,answer" },
  { fields = "potentialname", words = "affaire,nom affaire,opportunite,nom opportunite,projet,"
    .. "opportunity,opportunity name,deal,deal name" },
  { fields = "amount", words = "montant,montant ht,ca previsionnel,valeur,amount,value" },
  { fields = "closingdate", words = "date cloture,cloture,cloture prevue,echeance,date signature,"
    .. "close date,closing date,expected close date" },
  { fields = "sales_stage", words = "etape,phase,phase vente,etape vente,stage,sales stage" },
  { fields = "probability", words = "probabilite,proba,chance,probability" },
  { fields = "productname", words = "produit,nom produit,designation,libelle,article,product,"
    .. "product name,item" },
  { fields = "productcode", words = "reference,ref,code article,code produit,reference produit,"
    .. "sku,part number,product code" },
  { fields = "unit_price", words = "prix,prix unitaire,pu,pu ht,prix ht,prix vente,tarif,price,"
    .. "unit price,list price" },
  { fields = "description", words = "description,remarque,remarques,commentaire,commentaires,note,"
    .. "notes,observation,observations,detail,details,memo,divers,infos,informations,comment,"
    .. "comments,remark,remarks" },
}

local NO_WORDS = { de = true, du = true, des = true, la = true, le = true, les = true, l = true,
  d = true, a = true, au = true, par = true, of = true, the = true, to = true, by = true,
  ["in"] = true, en = true }
local SHIPPING = { livraison = true, shipping = true, delivery = true, ship = true }
local BILLING = { facturation = true, billing = true, bill = true, siege = true }

local function words_of(list)
  local words = {}
  for word in list:gmatch "%S+" do
    words[#words + 1] = word
  end
  return words
end

local function index()
  local by_word = {}
  for _, meaning in ipairs(MEANINGS) do
    for word in meaning.words:gmatch "[^,]+" do
      by_word[word] = by_word[word] or {}
      table.insert(by_word[word], { fields = words_of(meaning.fields),
        weak = meaning.weak or false,
        more = words_of(meaning.more or ""), shipping = words_of(meaning.shipping or "") })
    end
  end
  return by_word
end

local by_word

--- A heading as it stands in the vocabulary: folded, without what is in parentheses,
--- punctuation, articles and "n°".
---
--- @param heading string
--- @return string
--- @return boolean is_shipping it names the address of delivery
function M.normal(heading)
  local text = text_tools.fold(heading):gsub("n°%s*", "numero "):gsub("nº%s*", "numero ")
  local is_shipping, words = false, {}
  text = text:gsub("%b()", function(inner)
    is_shipping = is_shipping or SHIPPING[inner:sub(2, -2)] == true
    return " "
  end)
  for word in text:gsub("€", " "):gsub("%p", " "):gmatch "%S+" do
    is_shipping = is_shipping or SHIPPING[word] == true
    if not (NO_WORDS[word] or SHIPPING[word] or BILLING[word]) then
      words[#words + 1] = word
    end
  end
  return table.concat(words, " "), is_shipping
end

local function is_there(schema, name)
  local field = schema.by_name[name]
  return field ~= nil and field.editable
end

-- The first of some fields that a module has and lets be written.
local function first_of(schema, names)
  for _, name in ipairs(names) do
    if is_there(schema, name) then
      return name
    end
  end
end

local function field_of(meaning, is_shipping, schema, taken)
  local name = first_of(schema, is_shipping and #meaning.shipping > 0 and meaning.shipping
    or meaning.fields)
  if name and not taken[name] then
    return name
  end
  for _, other in ipairs(name and meaning.more or {}) do
    if is_there(schema, other) and not taken[other] then
      return other
    end
  end
end

--- The field that a heading usually means.
---
--- @param heading string
--- @param schema icrm.Schema
--- @param taken table<string, true> fields that other columns feed
--- @param is_weak? boolean whether words of less weight are looked up, instead of the others
--- @return string? name
function M.field(heading, schema, taken, is_weak)
  by_word = by_word or index()
  local normal, is_shipping = M.normal(heading)
  for _, meaning in ipairs(by_word[normal] or {}) do
    local name = meaning.weak == (is_weak or false)
      and field_of(meaning, is_shipping, schema, taken)
    if name then
      return name
    end
  end
end

-- Words of picklists that mean the same in French and in English, folded.
local SAME = {
  "ouvert,ouverte,nouveau,open,new",
  "ferme,fermee,clos,close,cloture,cloturee,termine,terminee,resolu,closed,completed,done",
  "en cours,in progress,started",
  "attente reponse,en attente,attente,wait for response,waiting,pending,on hold",
  "haute,haut,elevee,forte,high",
  "normale,normal,moyenne,moyen,medium",
  "basse,bas,faible,low",
  "urgente,urgent,critique,critical",
  "client,cliente,clients,customer",
  "prospect,prospects",
  "fournisseur,supplier,vendor",
  "partenaire,partner",
  "revendeur,distributeur,reseller",
  "concurrent,competitor",
  "petit probleme,mineur,mineure,small problem,minor",
  "gros probleme,majeur,majeure,big problem,major",
  "autre,autres,divers,other",
  "madame,mme,mrs",
  "monsieur,m,mr",
  "mademoiselle,mlle,ms,miss",
  "docteur,dr",
  "professeur,pr,prof",
  "oui,yes",
  "non,no",
  "gagne,gagnee,closed won",
  "perdu,perdue,closed lost",
  "entrant,appel entrant,cold call",
  "site web,internet,web site,web",
  "salon,trade show",
  "bouche a oreille,recommandation,word of mouth",
}

local function plain(word)
  return (text_tools.fold(word):gsub("%p", " "):gsub("%s+", " "):gsub("^ ", ""):gsub(" $", ""))
end

--- The value of a picklist that means what a word of the other language does.
---
--- @param picklist table of an icrm.Field
--- @param text string
--- @return string? value
function M.value(picklist, text)
  local wanted = "," .. plain(text) .. ","
  for _, group in ipairs(SAME) do
    group = "," .. group .. ","
    for _, value in ipairs(group:find(wanted, 1, true) and picklist.values or {}) do
      for _, word in ipairs { value, picklist.by_value[value] } do
        if group:find("," .. plain(word) .. ",", 1, true) then
          return value
        end
      end
    end
  end
end

return M
