import { join } from 'node:path';
import { Catalogue } from '../base/catalogue.ts';
import { codeRoot, moduleExtension } from '../base/root.ts';
import type { Known } from '../plan/known.ts';
import { BOXES, FAULTS, SERVERS } from '../stage/catalogue.ts';
import { AGENT_ACTIONS } from '../stage/stage.ts';
import type { HostFolder } from '../talk/programs.ts';
import { CHECKS } from './catalogue.ts';

/** All that this idlelab can stage and judge. Client libraries run on hosts: here they are names. */
export const KNOWN: Known = {
  clients: new Catalogue(
    'a client library',
    join(codeRoot, 'services/client/libraries' satisfies HostFolder),
    moduleExtension,
  ),
  servers: SERVERS,
  boxes: BOXES,
  checks: CHECKS,
  /** A client obeys the agent's commands; any host can suffer a fault. */
  verbs: (role) => [...(role === 'client' ? AGENT_ACTIONS : []), ...FAULTS.names()],
};
