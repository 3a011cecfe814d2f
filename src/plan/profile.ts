// Reads the profile of a middlebox, a file of lab/middleboxes, with its durations as numbers.

import { quoted } from '../base/quote.ts';
import { DURATION_LIMITS, type DurationLimit, limitedDuration } from './limits.ts';
import { type Positions, readYaml } from './read.ts';
import { type MiddleboxFile, middleboxSchema } from './schema.ts';

export interface Profile extends Omit<MiddleboxFile, 'idleTimeout' | 'life'> {
  lifeSeconds?: number;
  idleTimeout: {
    defaultSeconds: number;
    sides?: { clientSeconds: number; serverSeconds: number };
    /** What its vendor lets it be set to. */
    minSeconds?: number;
    maxSeconds?: number;
    per: MiddleboxFile['idleTimeout']['per'];
  };
}

/** What an idle timeout may be, by what plays it. */
export const idleTimeoutLimit = (layer: MiddleboxFile['layer']): DurationLimit =>
  layer === 'L4' ? DURATION_LIMITS.trackedIdleTimeout : DURATION_LIMITS.proxyIdleTimeout;

/** @throws LabError BAD_FILE with line and column */
export const readProfile = (path: string): Profile => readProfileIn(path).profile;

/** The same, with the places in its file. @throws LabError BAD_FILE with line and column */
export function readProfileIn(path: string): { profile: Profile; positions: Positions } {
  const { value, positions } = readYaml(path, middleboxSchema);
  const { idleTimeout } = value;
  const seconds = (key: 'default' | 'min' | 'max' | 'client' | 'server', limit: DurationLimit): number | undefined => {
    const text = idleTimeout[key];
    if (text === undefined) return undefined;
    const found = limitedDuration(text, limit);
    if (typeof found === 'number') return found;
    throw positions.error(['idleTimeout', key], found.expected, { found: quoted(text) });
  };
  const defaultSeconds = seconds('default', idleTimeoutLimit(value.layer)) as number;
  const minSeconds = seconds('min', DURATION_LIMITS.vendorIdleTimeout);
  const maxSeconds = seconds('max', DURATION_LIMITS.vendorIdleTimeout);
  if (defaultSeconds < (minSeconds ?? 0) || defaultSeconds > (maxSeconds ?? Number.POSITIVE_INFINITY))
    throw positions.error(['idleTimeout', 'default'], 'a duration from "min" to "max"');
  const side = (key: 'client' | 'server') => seconds(key, idleTimeoutLimit(value.layer));
  const [clientSeconds, serverSeconds] = [side('client'), side('server')];
  if ((clientSeconds === undefined) !== (serverSeconds === undefined))
    throw positions.error(['idleTimeout'], '"client" and "server", or neither');
  const { life, ...rest } = value;
  const lifeSeconds = life === undefined ? undefined : limitedDuration(life, idleTimeoutLimit(value.layer));
  if (typeof lifeSeconds === 'object')
    throw positions.error(['life'], lifeSeconds.expected, { found: quoted(life ?? '') });
  const profile: Profile = {
    ...rest,
    ...(lifeSeconds === undefined ? {} : { lifeSeconds }),
    idleTimeout: {
      defaultSeconds,
      ...(clientSeconds === undefined || serverSeconds === undefined
        ? {}
        : { sides: { clientSeconds, serverSeconds } }),
      ...(minSeconds === undefined ? {} : { minSeconds }),
      ...(maxSeconds === undefined ? {} : { maxSeconds }),
      per: idleTimeout.per,
    },
  };
  return { profile, positions };
}
