/** Every request of a client appends its identifier here, so a lost or repeated one shows. */
export const LEDGER = 'idlelab:ledger';
