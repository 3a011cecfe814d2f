import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SCENARIOS } from '../../src/plan/catalogue.ts';
import { CONFORMANCE, type Expected } from './table.ts';

// What is told of IPv4 over IPv6: the same kernels, the same timers, the same outcomes.

/** An IPv4 story, and what makes another one of it. */
interface Story {
  scenario: string;
  /** Instead of these words of its text others. */
  instead?: readonly (readonly [string, string])[];
}

/** Neither a proxy without sessions to ask for nor a box with timers of its own says how long it would have remembered. */
const UNTOLD = ['      - survives-the-quiet\n', ''] as const;

const told = (scenario: string): [string, Story] => [scenario, { scenario }];

/** By what they are called: shipped scenarios, and the same ones with boxes and timers that no shipped one has. */
export const OVER_IPV6: [string, Story][] = [
  ...['rebalance', 'reset', 'reset-both', 'black-hole', 'proxy-close', 'lost-fin', 'two-hours', 'deaf-reader'].map(
    told,
  ),
  ['nginx', { scenario: 'proxy-close', instead: [['middlebox: haproxy', 'middlebox: nginx-stream'], UNTOLD] }],
  [
    'a-timer-for-each-side',
    {
      scenario: 'reset',
      instead: [['idleTimeout: $idleTimeout', 'idleTimeout: { client: $idleTimeout, server: $idleTimeout }'], UNTOLD],
    },
  ],
];

/**
 * In virtual time, at the lengths of life: one of each way with late packets, and what needs the virtual engine's kernel. The
 * others are the same code on the same stack, and would keep the processors from the sweeps beside them.
 */
export const OVER_IPV6_VIRTUAL: [string, Story][] = ['rebalance', 'reset-both', 'lost-fin', 'ipvs'].map(told);

/** The scenario's text with `ip: v6`. @throws Error where it has no such words */
function textOf({ scenario, instead = [] }: Story): string {
  const text = readFileSync(SCENARIOS.path(scenario), 'utf8');
  return `ip: v6\n${instead.reduce((before, [from, to]) => {
    if (!before.includes(from)) throw new Error(`${scenario} has no "${from}"`);
    return before.replaceAll(from, to);
  }, text)}`;
}

/** Writes a story down as a scenario of its own, for as long as it is used. */
export async function withStory(
  name: string,
  story: Story,
  use: (file: string, acts: Record<string, Expected>) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'idlelab-test-ipv6-'));
  try {
    const file = join(folder, `${name}.yaml`);
    writeFileSync(file, textOf(story));
    await use(file, CONFORMANCE[story.scenario] as Record<string, Expected>);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
