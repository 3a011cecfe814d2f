// What a person who writes a scenario may name: `npm run scenario -- --list verbs`.
import type { z } from 'zod';
import { shortDuration } from '../base/duration.ts';
import { KNOWN } from '../judge/known.ts';
import { listScenarios, MIDDLEBOXES, TUNINGS } from '../plan/catalogue.ts';
import type { Things } from '../plan/known.ts';
import { topKeys } from '../plan/known-keys.ts';
import { readProfile } from '../plan/profile.ts';
import { readYaml } from '../plan/read.ts';
import { tuningSchema } from '../plan/schema.ts';
import type { ListName } from './options.ts';

export interface Entry {
  name: string;
  /** In one line. */
  title: string;
  /** What else there is to say. */
  more: string;
}

async function all<T>(things: Things<T>, entry: (name: string, thing: T) => Omit<Entry, 'name'>): Promise<Entry[]> {
  return Promise.all(things.names().map(async (name) => ({ name, ...entry(name, (await things.load(name)).default) })));
}

/** Parameters in words: those that may be left out in brackets. */
const paramsText = (params: z.ZodType, more: readonly string[] = []): string => {
  const keys = [
    ...topKeys(params).map(({ key, needed }) => (needed ? key : `[${key}]`)),
    ...more.map((key) => `[${key}]`),
  ];
  return keys.length === 0 ? 'no parameters' : `parameters: ${keys.join(' ')}`;
};

const listed = (words: readonly string[]): string => (words.length === 0 ? 'nothing' : words.join(', '));

/** The first sentence of the comment that opens a file. */
const opening = (path: string): string => {
  const { comment } = readYaml(path, tuningSchema).source;
  return /^.*?[.!?](?=\s|$)/s.exec(comment)?.[0].replace(/\n/g, ' ') ?? comment.replace(/\n/g, ' ');
};

const LISTS = {
  scenarios: () => Promise.resolve(listScenarios().map(({ name, title, summary }) => ({ name, title, more: summary }))),
  verbs: () =>
    all(KNOWN.verbs, (_, { about, who, offered, params, onConnections }) => ({
      title: about,
      more: `${who.join(', ')}${offered ? ' (where its library or program offers it)' : ''}; ${paramsText(params, onConnections ? ['of', 'over', 'times', 'every'] : ['times', 'every'])}`,
    })),
  middleboxes: async () =>
    MIDDLEBOXES.names().map((name): Entry => {
      const { product, idleTimeout, latePacket, playedBy } = readProfile(MIDDLEBOXES.path(name));
      return {
        name,
        title: product,
        more: `idle timeout ${shortDuration(idleTimeout.defaultSeconds)}; a late packet: ${latePacket}; played by ${Object.keys(playedBy).join(', ')}`,
      };
    }),
  servers: () => all(KNOWN.servers, (_, { can = [] }) => ({ title: `can ${listed(can)}`, more: '' })),
  libraries: () =>
    all(KNOWN.clients, (_, { speaks, can }) => ({
      title: speaks === undefined ? 'speaks to any server' : `speaks to a ${speaks} server`,
      more: `can ${listed(can)}`,
    })),
  tunings: async () => TUNINGS.names().map((name) => ({ name, title: opening(TUNINGS.path(name)), more: '' })),
  checks: () =>
    all(KNOWN.checks, (_, check) => ({
      title: (check as unknown as { about: string }).about,
      more: paramsText(check.params),
    })),
} as const satisfies Record<ListName, () => Promise<Entry[]>>;

/** Everything of a kind, by name. */
export const entriesOf = (list: ListName): Promise<Entry[]> => LISTS[list]();
