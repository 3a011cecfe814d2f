import type { Side } from '../model/predict.ts';
import type { Recommendation, SweepResult } from '../sweep/result.ts';
import type { Advice, Wanted } from './advice.ts';
import { ADVICE } from './catalogue.ts';
import { versionOf } from './versions.ts';

type Versions = Readonly<Record<string, string>>;

/** All targets, in the order in which they are shown. */
export async function allAdvice(): Promise<{ name: string; advice: Advice }[]> {
  const all = await Promise.all(
    ADVICE.names().map(async (name) => ({ name, advice: (await ADVICE.load(name)).default })),
  );
  return all.sort((a, b) => a.advice.order - b.advice.order || a.name.localeCompare(b.name));
}

/** What to paste, for every target that can do something about it. @param recorded versions of programs, where a run noted them */
export async function settingsFor(wanted: Wanted, recorded: Versions = {}): Promise<Recommendation['settings']> {
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

/** What a recommended cell asks of the client, and where. */
function wantedOf(client: Side, box: SweepResult['boxes'][number], quietSeconds: number): Wanted {
  const { keepalive, heartbeatSeconds, heartbeatTimeoutSeconds, commandTimeoutSeconds } = client;
  return {
    keepalive: keepalive === 'off' ? undefined : keepalive,
    heartbeatSeconds,
    heartbeatTimeoutSeconds,
    commandTimeoutSeconds,
    layer: box.middlebox.layer,
    timeoutSeconds: box.middlebox.timeoutSeconds,
    quietSeconds,
  };
}

/** A result whose recommendations say what to paste. */
export async function withSettings(result: SweepResult): Promise<SweepResult> {
  const recorded: Versions = Object.assign({}, ...result.conditions.map(({ programs }) => programs));
  const recommendations = await Promise.all(
    result.recommendations.map(async (recommendation): Promise<Recommendation> => {
      const cell = result.cells.find(({ id }) => id === recommendation.cell);
      const box = result.boxes[recommendation.box];
      if (cell === undefined || box === undefined) return recommendation;
      const wanted = wantedOf(cell.client as Side, box, result.quietSeconds);
      return { ...recommendation, settings: await settingsFor(wanted, recorded) };
    }),
  );
  return { ...result, recommendations };
}
