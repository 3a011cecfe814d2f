import { isBatch, type Job } from '../plan/job.ts';
import type { Place } from '../stage/ground.ts';
import { playPlan } from '../stage/play.ts';
import type { Message } from '../stage/record.ts';

/**
 * Plays a job at a place, leaves its evidence in `output`, and tells what happens; the last message is `done` or `error`.
 * Never throws.
 */
export async function playJob(job: Job, place: Place, output: string, tell: (message: Message) => void): Promise<void> {
  if (!isBatch(job)) return playPlan({ ...place, plan: job }, output, tell);
  // What measures trials brings much along that a scenario has no use for.
  const { playBatch } = await import('../stage/bench/batch.ts');
  return playBatch({ ...place, batch: job }, output, tell);
}
