import type { LadderRow } from '../judge/result.ts';
import { isRetransmission } from '../wire/segments.ts';

/** What a row of a ladder is about, for its colour: never by its words. */
export type Tone = 'bad' | 'again' | 'beat' | 'fin' | 'syn' | 'data';
export const TONES: readonly Tone[] = ['bad', 'again', 'beat', 'fin', 'syn', 'data'];

/** What asks whether there is somebody, or room, and what answers. */
const BEATS: ReadonlySet<string> = new Set([
  'keepalive probe',
  'keepalive answer',
  'zero-window probe',
  'zero-window answer',
]);

type Row<Kind extends LadderRow['kind']> = Extract<LadderRow, { kind: Kind }>;

export function packetTone({ flags, name, lost }: Pick<Row<'packet'>, 'flags' | 'name' | 'lost'>): Tone {
  if (lost || flags.includes('R')) return 'bad';
  if (name !== 'handshake' && isRetransmission(name)) return 'again';
  if (BEATS.has(name)) return 'beat';
  if (flags.includes('F')) return 'fin';
  return flags.includes('S') ? 'syn' : 'data';
}

export const isBad = ({ event }: Row<'event'>): boolean => event === 'error' || event === 'failed';
