// Resolves the values of a scenario or tuning file for one pace.

import type { Pace } from '../base/pace.ts';
import { quoted } from '../base/quote.ts';
import { suggestion } from '../base/suggest.ts';
import {
  COUNT_LIMITS,
  type CountLimit,
  DURATION_LIMITS,
  type DurationLimit,
  limitedCount,
  limitedDuration,
} from './limits.ts';
import type { Tuning } from './plan.ts';
import { type Positions, readYaml } from './read.ts';
import { type TuningFile, tuningSchema } from './schema.ts';

const isPaced = (raw: unknown): raw is Record<Pace, unknown> =>
  typeof raw === 'object' && raw !== null && Object.hasOwn(raw, 'production') && Object.hasOwn(raw, 'compressed');

type Path = readonly PropertyKey[];

/** Parameters by name: a raw value, and where in the file it stands. */
export type Params = ReadonlyMap<string, { raw: unknown; path: Path }>;

const shown = (value: unknown): string => (typeof value === 'string' ? quoted(value) : String(JSON.stringify(value)));

/** Resolves `$name` and {production, compressed}; complains at the place in the file where the value stands. */
export class Resolver {
  readonly #params: Params;
  readonly #pace: Pace;
  readonly #positions: Positions;

  constructor(params: Params, pace: Pace, positions: Positions) {
    this.#params = params;
    this.#pace = pace;
    this.#positions = positions;
  }

  #pick(raw: unknown, path: Path): { value: unknown; path: Path } {
    return isPaced(raw) ? { value: raw[this.#pace], path: [...path, this.#pace] } : { value: raw, path };
  }

  /** @throws LabError BAD_FILE where a parameter is named that there is none of */
  resolve(raw: unknown, path: Path): { value: unknown; path: Path } {
    const picked = this.#pick(raw, path);
    if (typeof picked.value !== 'string' || !picked.value.startsWith('$')) return picked;
    const param = this.#params.get(picked.value.slice(1));
    if (param) return this.#pick(param.raw, param.path);
    const known = [...this.#params.keys()].map((key) => `$${key}`);
    throw this.#positions.error(
      picked.path,
      known.length > 0 ? `one of the parameters ${known.join(', ')}` : 'a parameter that "params" names',
      { hint: suggestion(picked.value, known) },
    );
  }

  /** @throws LabError BAD_FILE where it is not a duration within the limit */
  seconds(raw: unknown, path: Path, limit: DurationLimit): number {
    const found = this.resolve(raw, path);
    const seconds = limitedDuration(String(found.value), limit);
    if (typeof seconds === 'number') return seconds;
    throw this.#positions.error(found.path, seconds.expected, { found: shown(found.value) });
  }

  /** @throws LabError BAD_FILE where it is not a whole number within the limit */
  number(raw: unknown, path: Path, limit: CountLimit): number {
    const found = this.resolve(raw, path);
    const count = limitedCount(found.value, limit);
    if (typeof count === 'number') return count;
    throw this.#positions.error(found.path, count.expected, { found: shown(found.value) });
  }

  tuning(file: TuningFile, path: Path): Tuning {
    const tuning: Tuning = {};
    const { keepalive } = file;
    if (keepalive === 'off') tuning.keepalive = 'off';
    else if (keepalive !== undefined) {
      const here = [...path, 'keepalive'];
      tuning.keepalive = { idleSeconds: this.seconds(keepalive.idle, [...here, 'idle'], DURATION_LIMITS.keepIdle) };
      if (keepalive.interval !== undefined)
        tuning.keepalive.intervalSeconds = this.seconds(
          keepalive.interval,
          [...here, 'interval'],
          DURATION_LIMITS.keepInterval,
        );
      if (keepalive.probes !== undefined)
        tuning.keepalive.probes = this.number(keepalive.probes, [...here, 'probes'], COUNT_LIMITS.keepProbes);
    }
    for (const key of ['heartbeat', 'commandTimeout', 'socketTimeout', 'userTimeout'] as const)
      if (file[key] !== undefined)
        tuning[`${key}Seconds`] = this.seconds(file[key], [...path, key], DURATION_LIMITS[key]);
    for (const key of ['tcpRetries2', 'tcpOrphanRetries'] as const)
      if (file[key] !== undefined) tuning[key] = this.number(file[key], [...path, key], COUNT_LIMITS[key]);
    return tuning;
  }
}

/** Reads a file of lab/tunings. @throws LabError BAD_FILE with line and column */
export function readTuning(path: string, pace: Pace): Tuning {
  const { value, positions } = readYaml(path, tuningSchema);
  return new Resolver(new Map(), pace, positions).tuning(value, []);
}
