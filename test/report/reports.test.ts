import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Result } from '../../src/judge/result.ts';
import { REPORTERS } from '../../src/report/catalogue.ts';
import { drawLadder } from '../../src/report/draw-ladder.ts';
import type { Reporter } from '../../src/report/reporter.ts';
import { painter } from '../../src/report/text.ts';
import { judged } from '../helpers/fixture.ts';

const SCENARIOS = ['rebalance', 'reset', 'reset-both', 'black-hole', 'proxy-close', 'lost-fin'];
const render = async (format: string, result: Result, columns = 100, color = false): Promise<string> => {
  const reporter: Reporter = (await REPORTERS.load(format)).default;
  return reporter.render(result, { columns, color, folder: 'runs/x/y' });
};

describe('the terminal report', () => {
  it.each([80, 200])('of rebalance in %i columns', async (columns) => {
    await expect(await render('pretty', await judged('rebalance'), columns)).toMatchFileSnapshot(
      `./snapshots/rebalance-${columns}.txt`,
    );
  });

  it.each(SCENARIOS)('of %s keeps within the window, from 72 columns on', async (scenario) => {
    const result = await judged(scenario);
    for (const columns of [72, 80, 100, 132, 200]) {
      const lines = (await render('pretty', result, columns))
        .split('\n')
        .filter((line) => !/capture\.pcapng|new Redis|setInterval|sysctl -w/.test(line));
      expect(lines.filter((line) => line.length > columns)).toEqual([]);
    }
  });

  it('has no escape sequences without colour, and the same words with it', async () => {
    const result = await judged('reset');
    const [plain, colored] = [await render('pretty', result), await render('pretty', result, 100, true)];
    expect(stripVTControlCharacters(plain)).toBe(plain);
    expect(colored).not.toBe(plain);
    expect(stripVTControlCharacters(colored)).toBe(plain);
  });
});

describe('the ladder', () => {
  const lines = async (scenario: string, act: string) => {
    const { acts } = await judged(scenario);
    const ladder = acts.find(({ name }) => name === act)?.ladders[0];
    return ladder ? drawLadder(ladder, 120, painter(false)).join('\n') : '';
  };
  it('of rebalance shows the wrong server, the RST and the zombie', async () => {
    const text = await lines('rebalance', 'broken');
    expect(text).toMatch(/├─+┼─+┼─+▶│.*PSH,ACK/);
    expect(text).toMatch(/│◀─+┼─+┼─+┤.*RST seq/);
    expect(text).toMatch(/ZOMBIE/);
    expect(text).toMatch(/… 3\.\d s, nothing …/);
  });
  it('of a survived quiet names the probes and their answers', async () => {
    const text = await lines('rebalance', 'fixed');
    expect(text).toMatch(/keepalive probe/);
    expect(text).toMatch(/keepalive answer/);
    expect(text).not.toMatch(/ZOMBIE|RST/);
  });
  it('of the black hole shows where packets end, and names retransmissions', async () => {
    expect(await lines('black-hole', 'broken')).toMatch(/├─+✗│.*retransmission/);
  });
  it('of the proxy shows both legs, and who ended them', async () => {
    const text = await lines('proxy-close', 'keepalive');
    expect(text).toMatch(/├─+▶│ +│ +keepalive probe/);
    expect(text).toMatch(/│ +├─+▶│ +FIN,ACK[\s\S]*│◀─+┤ +│ +FIN,ACK/);
  });
  it('of a host without power says so', async () => expect(await lines('lost-fin', 'crash')).toMatch(/no power/));
});

describe('the other formats', () => {
  it('json is the result document itself', async () => {
    const result = await judged('reset');
    expect(JSON.parse(await render('json', result))).toEqual(JSON.parse(JSON.stringify(result)));
  });

  it.each(SCENARIOS)('junit of %s is well-formed, with a case for every finding', async (scenario) => {
    const result = await judged(scenario);
    const text = await render('junit', result);
    const open: string[] = [];
    for (const [, closing, name, , empty] of text.matchAll(/<(\/?)([a-z]+)((?:\s+[a-z]+="[^"<]*")*)\s*(\/?)>/g)) {
      if (closing) expect(open.pop()).toBe(name);
      else if (!empty) open.push(name as string);
    }
    expect(open).toEqual([]);
    expect(text.match(/<testcase/g)?.length).toBe(result.acts.flatMap((act) => act.findings).length);
  });

  it('failures reach junit, GitHub and the short report', async () => {
    const result = structuredClone(await judged('reset'));
    const finding = result.acts[0]?.findings[0];
    if (!finding) throw new Error('no finding');
    Object.assign(finding, { status: 'fail', title: 'a <b> & "c"', observed: '50%\nof it' });
    result.verdict = 'fail';
    expect(await render('junit', result)).toMatch(
      /failures="1"[\s\S]*a &lt;b&gt; &amp; &quot;c&quot;[\s\S]*<failure message="50%\nof it">/,
    );
    expect(await render('github', result)).toContain('::error title=reset%2C broken%3A flows-forgotten::a <b> & "c"');
    expect(await render('github', result)).toContain('50%25%0Aof it');
    expect(await render('minimal', result)).toMatch(/^fail {4}broken: a <b>/m);
  });

  it.each(SCENARIOS)('html of %s stands alone, with a ladder for each act', async (scenario) => {
    const result = await judged(scenario);
    const text = await render('html', result);
    expect(text).not.toMatch(/<script|src=|href="(?!data:,")|@import|url\((?!#)/);
    expect(text.match(/<svg/g)?.length).toBe(result.acts.length);
  });

  it('a run that could not be finished says why in every format', async () => {
    const result: Result = {
      ...(await judged('reset')),
      verdict: 'inconclusive',
      acts: [],
      problem: { code: 'SERVICE_DIED', message: 'redis on mq-1 died', todo: 'look' },
    };
    for (const format of REPORTERS.names()) expect(await render(format, result)).toMatch(/redis on mq-1 died/);
  });
});
