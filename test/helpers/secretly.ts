import type { Engine } from '../../src/engines/engine.ts';
import { isBatch } from '../../src/plan/job.ts';
import type { Plan } from '../../src/plan/plan.ts';

/** An engine that secretly plays another plan than the one it was given. */
export const secretly = (engine: Engine, change: (plan: Plan) => void): Engine => ({
  name: engine.name,
  sideBySide: engine.sideBySide,
  realTime: engine.realTime,
  run(job, folder, options) {
    const other = structuredClone(job);
    if (!isBatch(other)) change(other);
    return engine.run(other, folder, options);
  },
});

/** Every middlebox remembers for so long. */
export const patientFor = (seconds: number) => (plan: Plan) => {
  for (const act of plan.acts)
    for (const host of act.hosts) if (host.role === 'middlebox') host.timers.idleSeconds = seconds;
};
