import { defineActions } from '../../../platform/access.ts'

// It costs what an answer of a model costs, and so is open to whom that is open.
export const embeddingActions = defineActions({
  'embedding.create': { least: 'GUEST', kind: 'suggest' },
})

declare module '../../../platform/access.ts' {
  interface Actions {
    'embedding.create': true
  }
}
