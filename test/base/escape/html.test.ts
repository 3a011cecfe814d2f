import { describe, expect, it } from 'vitest';
import { html, raw } from '../../../src/base/escape/html.ts';

describe('the HTML template', () => {
  it('escapes strings, in text and in either kind of quotes', () =>
    expect(`${html`<p title="${'"a" & \'b\''}">${'<b>'}</p>`}`).toBe(
      '<p title="&quot;a&quot; &amp; &#39;b&#39;">&lt;b&gt;</p>',
    ));
  it('leaves markup of its own alone, and lists of it', () =>
    expect(`${html`<ul>${['a<', 'b'].map((each) => html`<li>${each}</li>`)}</ul>`}`).toBe(
      '<ul><li>a&lt;</li><li>b</li></ul>',
    ));
  it('leaves out what is not there, and shows nought', () =>
    expect(`${html`${undefined}${null}${false}${0}`}`).toBe('0'));
  it('trusts only what says so', () => expect(`${html`${raw('<br>')}${'<br>'}`}`).toBe('<br>&lt;br&gt;'));
  it('shows control characters instead of passing them on', () =>
    expect(`${html`${'a\u0000\u202eb\u001b'}`}`).toBe('a␀�b␛'));
});
