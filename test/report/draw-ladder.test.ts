import { describe, expect, it } from 'vitest';
import type { Ladder, LadderRow } from '../../src/judge/result.ts';
import { drawLadder } from '../../src/report/draw-ladder.ts';
import { svgLadder } from '../../src/report/html-ladder.ts';
import { painter } from '../../src/report/text.ts';

const HOSTS = ['web', 'nat', 'firewall', 'nlb', 'haproxy', 'mq-1', 'mq-2'];

const packet = (from: string, to: string): LadderRow => ({
  kind: 'packet',
  at: 28_800.016,
  packet: 7,
  from,
  to,
  lost: false,
  flags: 'PA',
  seq: 20_329,
  ack: 15_254,
  length: 51,
  name: 'data',
});

/** A path of so many hosts: a packet each way over every link and over all of it, a look, an event, a fold. */
function ladderOf(count: number): Ladder {
  const hosts = HOSTS.slice(0, count);
  const [first, last] = [hosts[0] as string, hosts.at(-1) as string];
  return {
    connection: 0,
    lanes: hosts.map((host) => ({ host, role: 'middlebox' })),
    rows: [
      { kind: 'step', at: 0, text: `${first} sends a command on each of its 4 connections` },
      ...hosts
        .slice(1)
        .flatMap((host, index) => [packet(hosts[index] as string, host), packet(host, hosts[index] as string)]),
      packet(first, last),
      packet(last, first),
      {
        kind: 'fold',
        at: 1,
        seconds: 100,
        packets: 30,
        text: 'the same again 10 times, every 10 s: 30 packets',
        times: 10,
      },
      { kind: 'states', at: 101, label: 'the end', states: Object.fromEntries(hosts.map((host) => [host, 'ZOMBIE'])) },
      { kind: 'event', at: 102, host: last, event: 'close', text: 'connection closed' },
    ],
  };
}

describe('a ladder of many hosts', () => {
  const cases = [2, 3, 4, 5, 6, 7].flatMap((count) => [80, 100, 200].map((columns) => [count, columns] as const));

  it.each(cases)('%i lanes keep within %i columns, each with its name, its arrows and its state', (count, columns) => {
    const ladder = ladderOf(count);
    const lines = drawLadder(ladder, columns, painter(false));
    expect(lines.filter((line) => line.length > columns)).toEqual([]);
    const text = lines.join('\n');
    const head = lines
      .slice(
        0,
        lines.findIndex((line) => line === ''),
      )
      .join(' ');
    for (const { host } of ladder.lanes) expect(head).toContain(host);
    expect(text.match(/ZOMBIE/g)).toHaveLength(count);
    expect(lines.filter((line) => line.includes('▶'))).toHaveLength(count);
    expect(lines.filter((line) => line.includes('◀'))).toHaveLength(count);
    // The one over all of them crosses every lane between.
    const crossings = Math.max(...lines.map((line) => line.split('┼').length - 1));
    expect(crossings).toBe(count - 2);
  });

  it('is drawn as SVG with a lane for each', () => {
    const svg = String(svgLadder(ladderOf(7), 'a-'));
    expect(svg.match(/class="lane"/g)).toHaveLength(7);
    expect(svg.match(/class="state/g)).toHaveLength(7);
  });
});
