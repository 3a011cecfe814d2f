import { visible } from './visible.ts';

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Markup that is safe to stand in a page, because `html` or `raw` made it. */
export class Html {
  readonly #markup: string;

  constructor(markup: string) {
    this.#markup = markup;
  }

  toString(): string {
    return this.#markup;
  }
}

/** Strings are escaped, markup and lists of it are not; `false`, null and undefined are nothing. */
export type HtmlValue = Html | string | number | false | null | undefined | readonly HtmlValue[];

function markupOf(value: HtmlValue): string {
  if (value === false || value === null || value === undefined) return '';
  if (value instanceof Html) return value.toString();
  if (typeof value === 'object') return value.map(markupOf).join('');
  return visible(String(value)).replace(/[&<>"']/g, (character) => ENTITIES[character] as string);
}

/**
 * HTML or SVG that escapes by default, in text and in quoted attributes.
 * @example html`<p title="${title}">${names.map((name) => html`<b>${name}</b>`)}</p>`
 */
export const html = (strings: TemplateStringsArray, ...values: HtmlValue[]): Html =>
  new Html(strings.reduce((markup, string, index) => markup + markupOf(values[index - 1]) + string));

/** Markup that we made ourselves, a style sheet or a drawing of a library's: never text from evidence. */
export const raw = (markup: string): Html => new Html(markup);
