import { UserError } from '../../../platform/errors.ts'

/** It would stand deeper than anything may. */
export class NestedTooDeep extends UserError {
  readonly code = 'NESTED_TOO_DEEP'
  constructor(levels: number) {
    super(`Things can stand ${levels} deep in each other at most.`)
  }
}

/** It would stand in itself, or in what stands in it. */
export class WouldCreateCycle extends UserError {
  readonly code = 'WOULD_CREATE_CYCLE'
  constructor() {
    super('It cannot stand in itself, or in what stands in it.')
  }
}
