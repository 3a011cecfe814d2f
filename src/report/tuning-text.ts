import { shortDuration } from '../base/duration.ts';

/** "idle 20s" for idleSeconds; "keepalive idle 20s, probes 3" for what has settings of its own. */
function settingText(name: string, value: unknown): string {
  if (typeof value === 'object' && value !== null)
    return `${name} ${Object.entries(value)
      .map(([key, each]) => settingText(key, each))
      .join(', ')}`;
  return name.endsWith('Seconds') && typeof value === 'number'
    ? `${name.slice(0, -'Seconds'.length)} ${shortDuration(value)}`
    : `${name} ${String(value)}`;
}

/** Settings of one thing: "surviveLost 2; surviveOutage 60s"; what is not set is not said. */
export const settingsLine = (settings: object): string =>
  Object.entries(settings)
    .flatMap(([name, value]) => (value === null || value === undefined ? [] : [settingText(name, value)]))
    .join('; ');

/** The settings of an act's hosts as a scenario file would say them: "pool: keepalive idle 20s; heartbeat 20s". */
export function tuningText(tuning: Readonly<Record<string, unknown>>): string {
  const hosts = Object.entries(tuning).map(
    ([host, settings]) => `${host}: ${settingsLine((settings ?? {}) as object) || 'defaults'}`,
  );
  return hosts.join('\n') || 'nothing set';
}
