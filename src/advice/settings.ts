import type { Advice, Told, Wanted } from './advice.ts';
import { ADVICE } from './catalogue.ts';
import { versionOf } from './versions.ts';

/** What a target is told, and of which version that is known to be true. */
export interface Setting extends Told {
  target: string;
  title: string;
  version: string | null;
  tested: string;
}

export type Versions = Readonly<Record<string, string>>;

/** All targets, in the order in which they are shown. */
export async function allAdvice(): Promise<{ name: string; advice: Advice }[]> {
  const all = await Promise.all(
    ADVICE.names().map(async (name) => ({ name, advice: (await ADVICE.load(name)).default })),
  );
  return all.sort((a, b) => a.advice.order - b.advice.order || a.name.localeCompare(b.name));
}

/** What to paste, for every target that can do something about it. @param recorded versions of programs, where a run noted them */
export async function settingsFor(wanted: Wanted, recorded: Versions = {}): Promise<Setting[]> {
  const all = await Promise.all(
    (await allAdvice()).map(async ({ name, advice }) => {
      const told = advice.tell(wanted);
      if (told === undefined) return [];
      const { title, version, needs = null, tested } = advice;
      return [
        { target: name, title, version: (version && (await versionOf(version, recorded))) ?? needs, tested, ...told },
      ];
    }),
  );
  return all.flat();
}
