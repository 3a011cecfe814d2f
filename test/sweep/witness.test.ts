// A witness's ladder says what was seen when its lab was looked at. Its recorded looks are tampered with here: the ladder follows
// the look, not the clock, nor what the packets would suggest.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/base/root.ts';
import type { RunRecord } from '../../src/evidence/record.ts';
import type { Ladder } from '../../src/judge/result.ts';
import { laddersOf } from '../../src/sweep/witness.ts';

const RECORDED = join(packageRoot, 'test/fixtures/sweep/witness');
const scratch = mkdtempSync(join(tmpdir(), 'idlelab-test-witness-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

interface Row {
  act: string;
  kind: string;
  host: string;
  label?: string;
  sockets?: { state: string }[];
  flows?: object[];
}

let copies = 0;
/** The ladder of an act, after its rows were changed; a row for which nothing is returned is left out. */
function ladder(
  act: string,
  file: 'sockets' | 'flows' | 'run' = 'run',
  change: (row: Row) => Row | undefined = (row) => row,
) {
  const folder = join(scratch, String(++copies));
  cpSync(RECORDED, folder, { recursive: true });
  if (file !== 'run') {
    const path = join(folder, `${file}.ndjson`);
    const rows = readFileSync(path, 'utf8').trimEnd().split('\n');
    const kept = rows.flatMap((text) => {
      const row = JSON.parse(text) as Row;
      const changed = row.act === act ? change(row) : row;
      return changed === undefined ? [] : [`${JSON.stringify(changed)}\n`];
    });
    writeFileSync(path, kept.join(''));
  }
  return laddersOf(folder).get(act) as Ladder;
}

const states = ({ rows }: Ladder) =>
  rows.flatMap((row) => (row.kind === 'states' ? [[row.label, row.states] as const] : []));
const atTheEnd = (of: Ladder) => states(of).at(-1)?.[1];

/** Reset by the balancer after its idle timeout of 4 s; the server was told nothing. */
const FORGOTTEN = 'trial-2';
/** Closed by HAProxy after 4 s. */
const CLOSED = 'trial-4';

describe('the ladder of a witness', () => {
  it('tells what each look saw, in the judge’s words', () => {
    expect(states(ladder(FORGOTTEN))).toEqual([
      ['quiet begins', { client: 'ESTAB', server: 'ESTAB', balancer: expect.stringMatching(/^flow \d s$/) }],
      ['after 4.0 s of quiet', { client: '–', server: 'ZOMBIE', balancer: 'no flow' }],
      ['the end', { client: '–', server: 'ZOMBIE', balancer: 'no flow' }],
    ]);
    expect(states(ladder(CLOSED)).at(-1)).toEqual(['the end', { client: '–', server: '–', balancer: 'no session' }]);
  });
  it('folds the greeting and the probes as the judge’s does', () => {
    const folds = ladder('trial-1').rows.flatMap((row) => (row.kind === 'fold' && row.packets > 0 ? [row.text] : []));
    expect(folds).toEqual([
      '4 packets: the client library’s greeting',
      'keepalive again 8 times, every 1 s: 16 packets',
    ]);
  });
  it('shows a request that was reset with what the client’s program met', () => {
    const { rows } = ladder(FORGOTTEN);
    expect(rows.find((row) => row.kind === 'packet' && row.name === 'reset')).toMatchObject({ from: 'balancer' });
    expect(rows.flatMap((row) => (row.kind === 'event' ? [row.text] : []))).toEqual([
      'error: ECONNRESET',
      'connection closed',
    ]);
  });
});

describe('with other looks, and the same packets at the same times', () => {
  it('a server that was seen without a socket is not called a zombie', () => {
    const without = ladder(FORGOTTEN, 'sockets', (row) =>
      row.host === 'server' && row.label !== 'quiet begins' ? { ...row, sockets: [] } : row,
    );
    expect(atTheEnd(without)).toEqual({ client: '–', server: '–', balancer: 'no flow' });
  });
  it('a server’s socket that was seen in another state has that state', () => {
    const other = ladder(FORGOTTEN, 'sockets', (row) =>
      row.host === 'server' && row.label === 'the end'
        ? { ...row, sockets: (row.sockets ?? []).map((socket) => ({ ...socket, state: 'CLOSE-WAIT' })) }
        : row,
    );
    expect(atTheEnd(other)?.server).toBe('CLOSE-WAIT');
  });
  it('a client that was seen with its socket until the end is established, though it was reset', () => {
    let socket: Row['sockets'];
    const kept = ladder(FORGOTTEN, 'sockets', (row) => {
      if (row.kind === 'sample' && row.host === 'client') socket ??= row.sockets;
      return row.kind === 'sample' && row.host === 'client' ? { ...row, sockets: socket ?? [] } : row;
    });
    expect(atTheEnd(kept)).toMatchObject({ client: 'ESTAB', server: 'ESTAB' });
  });
  it('a flow that was seen is told, though the idle timeout is over', () => {
    let flows: Row['flows'];
    const kept = ladder(FORGOTTEN, 'flows', (row) => {
      if (row.kind === 'table') flows ??= row.flows;
      return row.kind === 'table' ? { ...row, flows: flows ?? [] } : row;
    });
    expect(atTheEnd(kept)?.balancer).toMatch(/^flow \d s$/);
  });
});

describe('where nobody looked nothing is said', () => {
  it('of any host', () => {
    expect(states(ladder(FORGOTTEN, 'sockets', (row) => (row.kind === 'sample' ? undefined : row)))).toEqual([]);
  });
  it('of one host', () => {
    const blind = ladder(FORGOTTEN, 'sockets', (row) =>
      row.kind === 'sample' && row.host === 'server' ? undefined : row,
    );
    expect(atTheEnd(blind)).toEqual({ client: '–', balancer: 'no flow' });
  });
  it('of the middlebox’s flows', () => {
    const blind = ladder(FORGOTTEN, 'flows', (row) => (row.kind === 'table' ? undefined : row));
    expect(states(blind).map(([, seen]) => Object.keys(seen))).toEqual(states(blind).map(() => ['client', 'server']));
  });
  it('of a proxy’s sessions, nor of which of a server’s sockets belongs to one', () => {
    const blind = ladder(CLOSED, 'flows', (row) => (row.kind === 'proxy-sessions' ? undefined : row));
    expect(states(blind)[0]).toEqual(['quiet begins', { client: 'ESTAB' }]);
    expect(atTheEnd(blind)).toEqual({ client: '–' });
  });
});

it('what was configured changes nothing: neither the idle timeout, nor the length of the quiet', () => {
  const folder = join(scratch, 'configured');
  cpSync(RECORDED, folder, { recursive: true });
  const file = join(folder, 'run.json');
  const run = JSON.parse(readFileSync(file, 'utf8')) as RunRecord;
  for (const act of run.plan.acts) {
    act.productionQuietSeconds = 1;
    for (const host of act.hosts)
      if (host.role === 'middlebox') host.timers = host.productionTimers = { idleSeconds: 1e6 };
  }
  writeFileSync(file, JSON.stringify(run));
  expect(laddersOf(folder).get(FORGOTTEN)).toEqual(ladder(FORGOTTEN));
});
