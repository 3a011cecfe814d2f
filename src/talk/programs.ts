// What of our code runs on hosts. It is bundled for them, so whatever is not named here is not there.

/** Programs of ours that are started on hosts: modules by their paths from the code's root, without extension. */
export const PROGRAMS = [
  'services/balancer/flow-clocks',
  'services/balancer/forgetful',
  'services/balancer/reset-both',
  'services/broker/listener',
  'services/client/agent',
  'services/client/nap',
  'services/client/swarm',
  'services/server/tcp',
] as const;
export type Program = (typeof PROGRAMS)[number];

/** Folders from which modules are loaded there by name. */
export const HOST_FOLDERS = [
  'services/client/libraries',
  'src/stage/boxes',
  'src/stage/servers',
  'src/stage/verbs',
] as const;
export type HostFolder = (typeof HOST_FOLDERS)[number];
