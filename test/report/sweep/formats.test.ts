import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/base/root.ts';
import { publishedSchemas } from '../../../src/cli/published-schemas.ts';
import { SWEEP_REPORTERS } from '../../../src/report/sweep/catalogue.ts';
import { compareSweeps, renderSweepDiff } from '../../../src/report/sweep/diff.ts';
import { painter } from '../../../src/report/text.ts';
import { type SweepResult, sweepResultSchema } from '../../../src/sweep/result.ts';

const text = readFileSync(join(packageRoot, 'test/fixtures/sweep/result.json'), 'utf8');
const result = (): SweepResult => sweepResultSchema.parse(JSON.parse(text));
const render = async (name: string, of = result(), columns = 100) =>
  (await SWEEP_REPORTERS.load(name)).default.render(of, { columns, color: false, folder: 'runs/sweep/now' });

const spoiled = (): SweepResult => ({
  ...result(),
  verdict: 'fail',
  disagreements: [{ trial: 'quiet; client <keepalive> | 1', predicted: 'ok', measured: 'reset, "zombie"' }],
});

describe('a sweep’s result', () => {
  it('is what its published schema says', async () => {
    const validate = new Ajv2020({ allErrors: true }).compile(
      JSON.parse((await publishedSchemas())['sweep-result.schema.json'] as string),
    );
    validate(JSON.parse(text));
    expect(validate.errors).toBeNull();
  });
  it('is written as it is', async () => {
    expect(JSON.parse(await render('json'))).toEqual(JSON.parse(text));
  });
});

describe.each([80, 200])('in a terminal of %i columns', (columns) => {
  it('says the same as last time, and no line is longer', async () => {
    const shown = await render('pretty', result(), columns);
    expect(Math.max(...shown.split('\n').map((line) => line.length))).toBeLessThanOrEqual(columns);
    expect(shown).toMatchSnapshot();
  });
});

describe('a disagreement between model and kernel', () => {
  /** How each format tells that the model and the kernel differ; CSV has cells only. */
  const TELLS: Record<string, RegExp> = {
    github: /^::error title=not as predicted::quiet;/m,
    html: /<section><h2>1 measurement is not what the model predicts<\/h2>/,
    json: /"disagreements": \[\s*\{\s*"trial": "quiet;/,
    junit: /<testcase classname="[^"]*\.model" name="quiet;[^>]*>\s*<failure/,
    markdown: /^### 1 measurement is not what the model predicts\n\n\| trial/m,
    minimal: /^1 measurement is not what the model predicts$/m,
    pretty: /^✖ 1 measurement is not what the model predicts:$/m,
  };
  it.each(SWEEP_REPORTERS.names().filter((name) => name !== 'csv'))('%s tells of it, and only then', async (name) => {
    const tells = TELLS[name] ?? expect.fail(`nothing says how ${name} tells`);
    expect(await render(name, spoiled())).toMatch(tells);
    expect(await render(name)).not.toMatch(tells);
  });
  it('comes before any recommendation', async () => {
    const shown = await render('pretty', spoiled());
    expect(shown.indexOf('is not what the model predicts')).toBeLessThan(shown.indexOf('▸'));
    const page = await render('html', spoiled());
    expect(page.indexOf('&lt;keepalive&gt;')).toBeLessThan(page.indexOf('What to set'));
  });
});

describe('formats for machines', () => {
  it('CSV has a line for each cell, of as many fields as its head', async () => {
    const lines = (await render('csv')).trimEnd().split('\r\n');
    expect(lines).toHaveLength(result().cells.length + 1);
    const fields = (line: string) =>
      line.match(/("([^"]|"")*"|[^,]*)(,|$)/g)?.filter((each, index, all) => each !== '' || index < all.length - 1)
        .length;
    expect(new Set(lines.map(fields)).size).toBe(1);
  });
  it('JUnit counts its failures', async () => {
    const failed = await render('junit', spoiled());
    expect(failed).toContain('failures="2"');
    expect(failed.match(/<failure /g)).toHaveLength(2);
    expect(failed).not.toMatch(/<keepalive>/);
    expect(await render('junit')).toContain('failures="0"');
  });
  it('Markdown for a ticket has the answer, the settings and how it was measured', async () => {
    const shown = await render('markdown');
    expect(shown).toContain(result().common?.sentence);
    expect(shown).toContain('net.ipv4.tcp_keepalive_time = ');
    expect(shown).toContain('How it was measured');
  });
  it('GitHub Actions get an annotation, and a step summary', async () => {
    expect((await render('github')).split('\n')[0]).toMatch(/^::notice title=/);
    const { default: reporter } = await SWEEP_REPORTERS.load('github');
    expect(reporter.summary?.(result())).toContain('| middlebox | recommended |');
  });
});

describe('two sweeps', () => {
  it('of the same outcome differ in nothing but conditions', () => {
    const other = { ...result(), startedAt: '2026-01-01T00:00:00Z', hz: 1000 };
    expect(compareSweeps(result(), other).map(({ kind, what }) => [kind, what])).toEqual([
      ['condition', 'HZ'],
      ['condition', 'began'],
    ]);
  });
  it('with another recommendation, and a cell that broke, say so', () => {
    const other = result();
    const [first] = other.recommendations;
    const cell = other.cells.find(({ measured }) => measured && measured.survives.yes === measured.survives.of);
    if (!first || !cell?.measured) throw new Error('the fixture has none');
    first.cell = 'something else';
    cell.measured.survives = { yes: 0, of: 3, low: 0, high: 0.56 };
    expect(compareSweeps(result(), other).map(({ kind }) => kind)).toEqual(['recommendation', 'cell']);
    const shown = renderSweepDiff(result(), other, { columns: 80, paint: painter(false) });
    expect(shown).toContain('+ something else');
  });
});
