import { circuitMutants } from './circuits.ts'
import { creditMutants } from './credits.ts'
import { gateMutants } from './gates.ts'
import type { Mutant } from './mutation.ts'
import { nounMutants } from './nouns.ts'
import { platformMutants } from './platform.ts'
import { providerMutants } from './providers.ts'
import { searchMutants } from './search.ts'

/** All there are. */
export const mutants: readonly Mutant[] = [
  ...nounMutants,
  ...gateMutants,
  ...searchMutants,
  ...providerMutants,
  ...platformMutants,
  ...circuitMutants,
  ...creditMutants,
]
