import type { LadderRow } from '../judge/result.ts';

/** What a row of a ladder is about, for its colour: never by its words. */
export type Tone = 'bad' | 'again' | 'beat' | 'fin' | 'syn' | 'data';
export const TONES: readonly Tone[] = ['bad', 'again', 'beat', 'fin', 'syn', 'data'];

type Row<Kind extends LadderRow['kind']> = Extract<LadderRow, { kind: Kind }>;

export function packetTone({ flags, name, lost }: Pick<Row<'packet'>, 'flags' | 'name' | 'lost'>): Tone {
  if (lost || flags.includes('R')) return 'bad';
  if (name === 'retransmission') return 'again';
  if (name === 'keepalive probe' || name === 'keepalive answer') return 'beat';
  if (flags.includes('F')) return 'fin';
  return flags.includes('S') ? 'syn' : 'data';
}

export const isBad = ({ event }: Row<'event'>): boolean => event === 'error' || event === 'failed';
