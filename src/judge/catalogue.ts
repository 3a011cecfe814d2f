import { ModuleCatalogue } from '../base/catalogue.ts';
import type { Check } from './check.ts';

export const CHECKS: ModuleCatalogue<{ default: Check }> = new ModuleCatalogue('a check', 'src/judge/checks');
