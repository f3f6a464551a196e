/* The sandbox CRM: a server of the vtiger family on the loopback interface. */
#ifndef ICRM_SANDBOX_SANDBOX_H
#define ICRM_SANDBOX_SANDBOX_H

struct icrm_sandbox;

#endif
