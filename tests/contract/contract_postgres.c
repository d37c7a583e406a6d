/* The contract of every store, run on PostgreSQL; postgres_cluster.py runs this program. */
#include <stdio.h>
#include <stdlib.h>

#include "contract/contract.h"

int main(void) {
    if (getenv("QMS_TEST_POSTGRES") == NULL || getenv("QMS_STILL_CLOCK") == NULL) {
        fprintf(stderr, "usage: postgres_cluster.py --clock LIBRARY -- contract_postgres\n");
        return 2;
    }
    contract_backend = &store_backend_postgres;
    return contract_all() > 0;
}
