import { ModuleCatalogue } from '../base/catalogue.ts';
import type { KnownClient } from '../plan/known.ts';
import type { HostFolder } from '../talk/programs.ts';
import type { Box } from './box.ts';
import type { Server } from './server.ts';
import type { Verb } from './verb.ts';

export const VERBS: ModuleCatalogue<{ default: Verb }> = new ModuleCatalogue(
  'a verb',
  'src/stage/verbs' satisfies HostFolder,
);
export const SERVERS: ModuleCatalogue<{ default: Server }> = new ModuleCatalogue(
  'a server',
  'src/stage/servers' satisfies HostFolder,
);
export const BOXES: ModuleCatalogue<{ default: Box }> = new ModuleCatalogue(
  'a way to play a middlebox',
  'src/stage/boxes' satisfies HostFolder,
);
/** What planning asks of client libraries. They run on hosts, by services/client/agent. */
export const LIBRARIES: ModuleCatalogue<{ default: KnownClient }> = new ModuleCatalogue(
  'a client library',
  'services/client/libraries' satisfies HostFolder,
);
