import { describe } from 'vitest';
import { Slots } from '../../src/base/slots.ts';
import { virtual } from '../../src/engines/virtual/engine.ts';
import { kernelsBuilt } from '../helpers/kernels.ts';
import { playVerbs } from './play-verbs.ts';
import { CASES } from './verb-cases.ts';

describe.runIf(kernelsBuilt)('in virtual time', () =>
  playVerbs({ engine: virtual(250, new Slots(1)), pace: 'compressed' }, CASES),
);
