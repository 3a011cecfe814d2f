import { formatDuration } from '../base/duration.ts';
import type { Result } from '../judge/result.ts';

type Box = Result['middleboxes'][number];

/** "3 s", "400 s towards clients, 900 s towards servers", "3 s, at most 1 h in all". */
function timersText({ idleSeconds, sides, lifeSeconds }: Box['timers']): string {
  const idle =
    sides === undefined
      ? formatDuration(idleSeconds)
      : `${formatDuration(sides.clientSeconds)} towards clients, ${formatDuration(sides.serverSeconds)} towards servers`;
  return lifeSeconds === undefined ? idle : `${idle}, at most ${formatDuration(lifeSeconds)} in all`;
}

/** "idle timeout 3 s, which stands for 6 min": as played, and what that is in life where it differs. */
export function idleTimeoutOf({ timers, productionTimers }: Box, pace: Result['pace']): string {
  const [played, inLife] = [timersText(timers), timersText(productionTimers)];
  return `idle timeout ${played}${pace === 'compressed' && played !== inLife ? `, which stands for ${inLife}` : ''}`;
}

/** The boxes that stand between, a line each, with their names where there are several. */
export const boxLines = ({ middleboxes, pace }: Pick<Result, 'middleboxes' | 'pace'>): string[] =>
  middleboxes.length === 0
    ? [`nothing stands between; ${pace} pace`]
    : middleboxes.map(
        (box) =>
          `${middleboxes.length > 1 ? `${box.host}: ` : ''}${box.product}; ${pace} pace: ${idleTimeoutOf(box, pace)}`,
      );
