// Every word of a result document may come from a stranger: none may act in any format.
import { describe, expect, it } from 'vitest';
import { REPORTERS } from '../../src/report/catalogue.ts';
import { renderDiff } from '../../src/report/diff.ts';
import { SWEEP_REPORTERS } from '../../src/report/sweep/catalogue.ts';
import { renderSweepDiff } from '../../src/report/sweep/diff.ts';
import { painter } from '../../src/report/text.ts';
import { ATTACKS, fullResult, fullSweep, hostileResult, hostileSweep } from '../helpers/hostile.ts';

const CONTEXT = { columns: 100, color: false, folder: 'runs/x/y' };
/** Both kinds of document in one format, every word of them led by an attack. */
const KINDS: Readonly<Record<string, (format: string, attack: string, color?: boolean) => Promise<string>>> = {
  scenario: async (format, attack, color = false) =>
    (await REPORTERS.load(format)).default.render(await hostileResult(attack), { ...CONTEXT, color }),
  sweep: async (format, attack, color = false) =>
    (await SWEEP_REPORTERS.load(format)).default.render(hostileSweep(attack), { ...CONTEXT, color }),
};
const each = Object.entries(KINDS).flatMap(([kind, render]) =>
  Object.entries(ATTACKS).map(([name, attack]) => ({ kind, name, attack, render })),
);

/** The same text where it is harmless: as long, with the same lines. */
const harmless = (attack: string) => attack.replaceAll('\r\n', '\n').replace(/[^\n]/gu, 'x');

/** Every tag, with the names of its attributes. */
const tagsOf = (markup: string): string[] =>
  (markup.match(/<(?:"[^"]*"|[^">])*>/g) ?? []).map((tag) => tag.replace(/"[^"]*"/g, '""'));
/** The drawings of charts, which are laid out by the width of their words. */
const DRAWING = /<svg aria-hidden="true"[\s\S]*?<\/svg>/g;
const DATA = /<script type="application\/json"[\s\S]*?<\/script>/;

/** What a browser might be taken in by. */
const OF_PAGES = ['an element', 'an attribute', 'the end of a script', 'a terminal'];

describe.each(each.filter(({ name }) => OF_PAGES.includes(name)))(
  'a $kind whose every word is $name',
  ({ attack, render }) => {
    it('makes no element and no attribute of a page', async () => {
      const [page, other] = await Promise.all([render('html', attack), render('html', harmless(attack))]);
      const outline = (text: string) => tagsOf(text.replace(DRAWING, '').replace(DATA, ''));
      expect(outline(page)).toEqual(outline(other));
      const drawn = (text: string) => new Set((text.match(DRAWING) ?? []).flatMap(tagsOf));
      const harmlessTags = drawn(other);
      expect([...drawn(page)].filter((tag) => !harmlessTags.has(tag))).toEqual([]);
    });
  },
);

/** What acts on a terminal: all but tabs, newlines, and the colours that we set. */
const ACTING = /(?![\t\n])[\p{Cc}\u2028-\u202e\u2066-\u2069]/u;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
const SGR = /\u001b\[[\d;]*m/g;

/** Lines of Markdown, each with what is left of it that means something. */
function structure(markdown: string): string[] {
  let fence = '';
  return markdown.split('\n').map((line) => {
    const [, ticks = ''] = /^ *(`{3,})/.exec(line) ?? [];
    if (fence !== '' && ticks.length < fence.length) return 'code';
    if (ticks !== '') {
      fence = fence === '' ? ticks : '';
      return 'fence';
    }
    const bare = line
      .replace(/\\[^a-z0-9\s]/gi, '·')
      .replace(/&#?\w+;/g, '·')
      .replace(/<code>[^<]*<\/code>|`[^`]*`/g, '`')
      .replace(/^<summary>[^<]*<\/summary>$/, '<summary');
    const [head] = /^\s*(?:#{1,6} |[-+*] |> ?|\d+[.)] |={2,}|-{2,})?/.exec(bare) ?? [];
    const signs = bare.match(/[`*[\]<|~]|(?<!\w)_|_(?!\w)|@(?=\w)|#(?=\d)|:\/\/|\bwww\./g) ?? [];
    return `${head}${signs.join('')}`;
  });
}

/** RFC 4180. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain ?? '');
    if (end === '\r\n') rows.push([]);
  }
  expect(rows.pop()).toEqual([]);
  return rows;
}

describe.each(each)('a $kind whose every word is $name', ({ kind, attack, render }) => {
  const calm = harmless(attack);

  it.each(['pretty', 'minimal'])('acts on no terminal as %s', async (format) => {
    const [plain, colored] = [await render(format, attack), await render(format, attack, true)];
    expect(plain).not.toMatch(ACTING);
    expect(colored.replace(SGR, '')).not.toMatch(ACTING);
    // No colour but ours, and no line that is a command to a runner.
    expect(new Set(colored.match(SGR))).toEqual(new Set((await render(format, calm, true)).match(SGR)));
    for (const text of [plain, colored.replace(SGR, '')]) expect(text).not.toMatch(/^\s*::|##\[/m);
  });

  it('acts on no terminal when it is compared', async () => {
    const paint = painter(false);
    const text =
      kind === 'sweep'
        ? renderSweepDiff(hostileSweep(attack), fullSweep(), { columns: 80, paint })
        : renderDiff(await hostileResult(attack), await fullResult(), { columns: 80, paint });
    expect(text).not.toMatch(ACTING);
    expect(text).not.toMatch(/^\s*::|##\[/m);
  });

  it('says the same in JSON, and acts on nothing', async () => {
    const text = await render('json', attack);
    expect(JSON.parse(text)).toEqual(kind === 'sweep' ? hostileSweep(attack) : await hostileResult(attack));
    expect(text).not.toMatch(ACTING);
    expect(text).not.toMatch(/^\s*::|##\[/m);
  });

  it('breaks out of nothing in Markdown', async () => {
    const text = await render('markdown', attack);
    expect(structure(text)).toEqual(structure(await render('markdown', calm)));
    expect(text).not.toMatch(ACTING);
  });

  it('is a row of fields in CSV, none of which is a formula', async () => {
    const text = await render('csv', attack);
    const [rows, others] = [parseCsv(text), parseCsv(await render('csv', calm))];
    expect(rows.map((row) => row.length)).toEqual(others.map((row) => row.length));
    expect(rows.flat().filter((field) => /^\s*(?:[=+@]|-(?!\d)|::)/.test(field))).toEqual([]);
    expect(text.replaceAll('\r\n', '\n')).not.toMatch(ACTING);
  });

  it('makes no element and no attribute in JUnit', async () => {
    const text = await render('junit', attack);
    expect(tagsOf(text)).toEqual(tagsOf(await render('junit', calm)));
    expect(text).not.toMatch(ACTING);
    expect(text.replace(/<[^>]*>/g, '').match(/<|&(?!(?:amp|lt|gt|quot|apos|#\d+);)/g)).toBeNull();
    expect(text).not.toMatch(/^\s*::|##\[/m);
  });

  it('gives a workflow our annotations, and no others', async () => {
    const text = await render('github', attack);
    const commands = (all: string) =>
      all.split('\n').map((line) => /^::\w+ title=[^:,]*::/.exec(line)?.[0].slice(0, 9));
    expect(commands(text)).toEqual(commands(await render('github', calm)));
    expect(text).not.toMatch(ACTING);
  });
});
