/**
 * Names that become parts of paths, of hosts' names and of reports. Nothing in them leads out of a folder or means anything in
 * HTML, in a shell or on a terminal.
 */
const MOST = { id: 64, file: 100 } as const;

/** Acts, hosts and the names of hosts in a scenario file: lower-case letters, digits, dashes. */
export const ID: RegExp = new RegExp(`^[a-z][a-z0-9-]{0,${MOST.id - 1}}$`);

/** Runs and sweeps, which are named after files. */
export const FILE_NAME: RegExp = new RegExp(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,${MOST.file - 1}}$`);
