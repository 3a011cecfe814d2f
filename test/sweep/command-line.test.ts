import { describe, expect, it } from 'vitest';
import { joinPairs, type Options, sweepCommand } from '../../src/cli/sweep-options.ts';

const parsed = (...words: string[]): Options =>
  sweepCommand().exitOverride().parse(joinPairs(words), { from: 'user' }).opts<Options>();

describe('the command line of a sweep', () => {
  it.each([
    [['--scan', 'keepIdle', '30s..60s/30s', '--list', 'keepInterval', '1s,10s']],
    [['--scan', 'keepIdle=30s..60s/30s', '--list', 'keepInterval=1s,10s']],
  ])('%j: settings are pairs', (words) => {
    const { scan, list } = parsed(...words);
    expect([scan, list]).toEqual([[['keepIdle', '30s..60s/30s']], [['keepInterval', '1s,10s']]]);
  });
  it('does not take the next option for a value', () => {
    expect(joinPairs(['--list', 'keepIdle', '--repeat', '3'])).toEqual(['--list', 'keepIdle', '--repeat', '3']);
  });
  it('is parsed without a trace: twice the same is the same', () => {
    const words = ['--list', 'keepIdle', '1s', '--middlebox', 'aws-nlb, haproxy', '--shard', '2/3', '--kernel', '/k'];
    const before = [[...process.argv], process.env.IDLELAB_KERNEL];
    expect(parsed(...words)).toEqual(parsed(...words));
    expect(parsed(...words)).toMatchObject({
      middlebox: ['aws-nlb', 'haproxy'],
      shard: { index: 2, of: 3 },
      kernel: '/k',
    });
    expect([[...process.argv], process.env.IDLELAB_KERNEL]).toEqual(before);
  });
});
