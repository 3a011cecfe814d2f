import type { Wanted } from '../advice/advice.ts';
import { settingsFor, type Versions } from '../advice/settings.ts';
import type { Side } from '../model/predict.ts';
import type { Recommendation, SweepResult } from './result.ts';

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
