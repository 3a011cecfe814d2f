import type { Side } from '../model/predict.ts';
import { SETTINGS } from '../scenario/catalogue.ts';
import type { Recommendation, SweepResult } from '../sweep/result.ts';
import type { Tuning } from './setting.ts';

/** The order in which they are shown: the kernel's, the proxies', the clients', the servers'. */
const ORDER = [
  'sysctl',
  'docker',
  'kubernetes',
  'systemd',
  'haproxy',
  'nginx',
  'ioredis',
  'node-redis',
  'amqplib',
  'pg',
  'go',
  'java',
  'python',
  'postgresql',
  'redis-server',
];

const rank = (name: string): number => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);

/** What to paste for a tuning, for every target that can do something about it. */
export async function settingsFor(tuning: Tuning): Promise<Recommendation['settings']> {
  const names = SETTINGS.names().sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
  const all = await Promise.all(names.map(async (name) => ({ name, setting: (await SETTINGS.load(name)).default })));
  return all.flatMap(({ name, setting: { title, version, tested, render } }) => {
    const rendered = render(tuning);
    return rendered === undefined ? [] : [{ target: name, title, version: version ?? null, tested, ...rendered }];
  });
}

/** A result whose recommendations say what to paste. */
export async function withSettings(result: SweepResult): Promise<SweepResult> {
  const recommendations = await Promise.all(
    result.recommendations.map(async (recommendation): Promise<Recommendation> => {
      const cell = result.cells.find(({ id }) => id === recommendation.cell);
      const box = result.boxes[recommendation.box];
      if (cell === undefined || box === undefined) return recommendation;
      const client = cell.client as Side;
      const settings = await settingsFor({
        client,
        keepalive: client.keepalive === 'off' ? undefined : client.keepalive,
        timeoutSeconds: box.middlebox.timeoutSeconds,
        quietSeconds: result.quietSeconds,
        layer: box.middlebox.layer,
      });
      return { ...recommendation, settings };
    }),
  );
  return { ...result, recommendations };
}
