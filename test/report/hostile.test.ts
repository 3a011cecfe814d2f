// Every word of a result document may come from a stranger: none may act in any format.
import { describe, expect, it } from 'vitest';
import { REPORTERS, SWEEP_REPORTERS } from '../../src/scenario/catalogue.ts';
import { ATTACKS, hostileResult, hostileSweep } from '../helpers/hostile.ts';

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
