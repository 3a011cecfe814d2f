import type { Known } from '../plan/known.ts';
import { BOXES, LIBRARIES, SERVERS, VERBS } from '../stage/catalogue.ts';
import { CHECKS } from './catalogue.ts';

/** All that this idlelab can stage and judge. */
export const KNOWN: Known = { clients: LIBRARIES, servers: SERVERS, boxes: BOXES, verbs: VERBS, checks: CHECKS };
