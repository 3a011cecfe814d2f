import { describe, expect, it } from 'vitest';
import { csv } from '../../../src/base/escape/csv.ts';
import { json } from '../../../src/base/escape/json.ts';
import { code, codeBlock, details, inline, table } from '../../../src/base/escape/markdown.ts';
import { forTerminal, forTerminalAll } from '../../../src/base/escape/terminal.ts';
import { visible } from '../../../src/base/escape/visible.ts';
import { annotation } from '../../../src/base/escape/workflow.ts';
import { xml } from '../../../src/base/escape/xml.ts';

describe('control characters', () => {
  it('are shown as pictures, each as wide as it was; tabs and newlines stay', () =>
    expect(visible('a\u001b[31mb\u0007\u007f\u009bc\u202ed\u2066\te\r\nf\rg')).toBe('a␛[31mb␇␡�c�d�\te\nf␍g'));
  it('go from every string and key of a document; newlines only where lines are kept', () =>
    expect(
      forTerminalAll({ 'k\u001b': ['a\nb', { text: 'a\n\u001bb', states: { 'x\n': 'y' } }], n: 1, none: null }),
    ).toEqual({ 'k␛': ['a b', { text: 'a\n␛b', states: { 'x ': 'y' } }], n: 1, none: null }));
  it('are escaped in JSON, which says the same', () => {
    const value = { 'a\u009b': '\u202e\u007f##[error]' };
    const text = json(value, 0);
    expect(text).toBe('{"a\\u009b":"\\u202e\\u007f#\\u0023[error]"}\n');
    expect(JSON.parse(text)).toEqual(value);
  });
});

describe('workflow commands', () => {
  it.each([
    ['::error::x', '\\::error::x'],
    ['a\n  ::error::x', 'a\n  \\::error::x'],
    ['a ##[error]x', 'a # #[error]x'],
    ['fe80::1 a::b', 'fe80::1 a::b'],
  ])('%j stands in a log as %j', (text, shown) => expect(forTerminal(text)).toBe(shown));
  it('of ours are one line, whatever they say', () =>
    expect(annotation('error', 'a:b,c\n%', '50 %\r\nof\rit\n::error::x')).toBe(
      '::error title=a%3Ab%2Cc%0A%25::50 %25%0Aof␍it%0A::error::x',
    ));
  it('are references in XML', () =>
    expect(xml('::error::x\n ::y ##[z] \'<&">')).toBe('&#58;:error::x\n &#58;:y ##&#91;z] &apos;&lt;&amp;&quot;&gt;'));
});

describe('CSV', () => {
  it.each(['=1+1', '+1', '-1', '@SUM(1)', '\t=1', '\r=1', '\n=1', ' =1', '＝1', '::error::x'])(
    '%j is no formula and no command',
    (text) => expect(csv(['a'], [{ a: text }]).split('\r\n')[1]).toMatch(/^"'/),
  );
  it('leaves our own numbers numbers, and words without need of quotes alone', () =>
    expect(csv(['a', 'b', 'c', 'd'], [{ a: -1.23456, b: 'x-y z', c: 'a,"b"', d: null }])).toBe(
      'a,b,c,d\r\n-1.235,x-y z,"a,""b""",\r\n',
    ));
});

describe('Markdown', () => {
  it.each([
    ['a | b', 'a \\| b'],
    ['a \\| b', 'a \\\\\\| b'],
    ['a\nb\r\n\n\nc', 'a b c'],
    ['# head', '\\# head'],
    ['- item', '\\- item'],
    ['1. item', '1\\. item'],
    ['> quote', '\\> quote'],
    ['<b>&amp;', '&lt;b>&amp;amp;'],
    ['[x](y) ![z](w)', '\\[x\\](y) !\\[z\\](w)'],
    ['https://x www.x me@x @team #12', 'https:\\//x www\\.x me@&#8203;x @&#8203;team #&#8203;12'],
    ['tcp_keepalive_time, _x_, 10 % & 3 > 2', 'tcp_keepalive_time, \\_x\\_, 10 % & 3 > 2'],
    ['1.1 ms', '1.1 ms'],
    ['1. a list', '1\\. a list'],
  ])('%j is %j in a line', (text, shown) => expect(inline(text)).toBe(shown));
  it.each([
    ['a=b', '`a=b`'],
    ['a`b', '<code>a\\`b</code>'],
    ['a|b', '<code>a\\|b</code>'],
    ['', ''],
  ])('%j is code as %j', (text, shown) => expect(code(text)).toBe(shown));
  it('has a fence that nothing in a block can end', () =>
    expect(codeBlock('a\n````\n~~~', '  ')).toEqual(['  `````', '  a', '  ````', '  ~~~', '  `````']));
  it('sets tables and things to unfold', () => {
    expect(table([['a', 'b'], ['c']])).toEqual(['| a | b |', '| --- | --- |', '| c |']);
    expect(details('<b> @x', ['y'])[1]).toBe('<summary>&lt;b&gt; @&#8203;x</summary>');
  });
});
