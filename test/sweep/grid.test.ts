import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Axis, countPoints, parseList, parseScan, points, pointText } from '../../src/sweep/grid.ts';

describe('--scan', () => {
  it('goes from a value to another, which belongs to it, by steps', () => {
    expect(parseScan('keepIdle', '30s..2min/30s')).toEqual({
      side: 'client',
      parameter: 'keepIdle',
      values: [30, 60, 90, 120],
    });
    expect(parseScan('server.keepProbes', '1..9/4')).toEqual({
      side: 'server',
      parameter: 'keepProbes',
      values: [1, 5, 9],
    });
  });
  it('ends before a value that no step meets', () => {
    expect(parseScan('keepIdle', '1s..10s/4s').values).toEqual([1, 5, 9]);
  });
  it.each([
    ['keepIdle', '30s-600s', /write from\.\.to\/step|--scan keepIdle "30s-600s"/],
    ['keepIdle', '30s..20s/1s', /has no values/],
    ['keepIdle', '30s..600s/0s', /has no values/],
    ['keepIdle', '30..600/30', /keepIdle "30" is not a duration/],
    ['keepProbes', '1s..9s/1s', /keepProbes "1s" is not a count/],
    ['keepIdel', '30s..600s/30s', /there is no setting "keepIdel"; did you mean "keepIdle"\?/],
    ['keepIdle', '1s..8h/1ms', /has \d+ values/],
    ['keepIdle', '1s..3s/500ms', /keepIdle cannot be 1\.5s/],
    ['keepIdle', '32766s..32768s/1s', /keepIdle cannot be 32768s/],
    ['keepInterval', '0s..2s/1s', /keepInterval cannot be 0ms/],
    ['keepProbes', '126..128/1', /keepProbes cannot be 128/],
    ['userTimeout', '1d..30d/1d', /userTimeout cannot be 600h/],
    ['heartbeat', '0.5ms..2ms/0.5ms', /heartbeat cannot be 0\.5ms/],
    ['timeout', '99999999999h..99999999999h/1h', /timeout cannot be 99999999999h/],
    ['toString', '1s..2s/1s', /there is no setting "toString"/],
    ['server.constructor', '1s..2s/1s', /there is no setting "server\.constructor"/],
  ])('%s %s is refused', (name, text, message) => {
    expect(() => parseScan(name, text)).toThrow(message);
  });
});

describe('--list', () => {
  it('names values, each once', () => {
    expect(parseList('keepInterval', '1s, 10s,75s').values).toEqual([1, 10, 75]);
    expect(() => parseList('keepInterval', '1s,1000ms')).toThrow(/names a value twice/);
  });
});

describe('a landscape', () => {
  const axes = [parseScan('keepIdle', '30s..90s/30s'), parseList('server.keepProbes', '3,9')];

  it('has every combination once, the last axis varying fastest', () => {
    expect([...points(axes)].map(pointText)).toEqual([
      'keepIdle=30s server.keepProbes=3',
      'keepIdle=30s server.keepProbes=9',
      'keepIdle=60s server.keepProbes=3',
      'keepIdle=60s server.keepProbes=9',
      'keepIdle=90s server.keepProbes=3',
      'keepIdle=90s server.keepProbes=9',
    ]);
  });
  it('has as many points as it says, all different', () => {
    const axis = (parameter: Axis['parameter']) =>
      fc
        .uniqueArray(fc.nat(50), { minLength: 1, maxLength: 6 })
        .map((values): Axis => ({ side: 'client', parameter, values }));
    fc.assert(
      fc.property(fc.tuple(axis('keepIdle'), axis('keepInterval'), axis('keepProbes')), (landscape) => {
        const all = [...points(landscape)].map(pointText);
        expect(all).toHaveLength(countPoints(landscape));
        expect(new Set(all).size).toBe(all.length);
      }),
    );
  });
  it('cannot vary a setting twice', () => {
    expect(() => countPoints([...axes, parseList('keepIdle', '5s')])).toThrow(/keepIdle is varied twice/);
  });
  it('without axes is one point', () => {
    expect([...points([])]).toEqual([{}]);
  });
});
