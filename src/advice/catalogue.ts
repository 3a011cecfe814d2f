import { ModuleCatalogue } from '../base/catalogue.ts';
import type { Advice } from './advice.ts';

export const ADVICE: ModuleCatalogue<{ default: Advice }> = new ModuleCatalogue(
  'a target of advice',
  'src/advice/targets',
);
