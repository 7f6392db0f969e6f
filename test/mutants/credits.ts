import { change } from './layers.ts'
import type { Killers, Mutant } from './mutation.ts'

// What keeps credits from being spent twice, or seen by those who may not.

const usage = 'src/modules/usage'
const hold = `${usage}/charges/hold.service.ts`
const settlement = `${usage}/charges/settlement.service.ts`
const meter = 'src/modules/chat/generations/meter.service.ts'

const tests = (file: string, named?: string): { killers: Killers } => ({
  killers: { files: [`test/modules/${file}.test.ts`], ...(named !== undefined && { named }) },
})

/** Of credits, what is charged of them, and reports of that. */
export const creditMutants: readonly Mutant[] = [
  {
    name: 'Credits: those of an organization are seen by whoever is in it',
    edits: [change(`${usage}/credits/credits.reads.ts`, "  if (!may(ctx, 'credits.read')) return null\n", '')],
    ...tests('usage/credits/credits'),
  },
  {
    name: 'Credits: a refusal says what there is to whoever asks',
    edits: [change(`${usage}/charges/charge.graphql.ts`, "(may(ctx, 'credits.read') ? available : null)", 'available')],
    ...tests('usage/charges/hold', 'is told by no refusal'),
  },
  {
    name: 'Credits: a pause stops nothing',
    edits: [change(hold, '  if (isPaused(first)) throw new SpendingPaused()\n', '')],
    ...tests('usage/credits/spending-rules', 'stops what costs something'),
  },
  {
    name: 'Credits: the allowance of a month that is over comes back',
    edits: [change(settlement, 'const isOver = charge.allowanceMonth !== allowanceMonth', 'const isOver = false')],
    ...tests('usage/credits/ledger'),
  },
  {
    name: 'Credits: a step that was not finished costs nothing',
    edits: [change(meter, "if (running === null || written === '')", 'if (running !== null)')],
    ...tests('usage/charges/settlement', 'as soon as something of it was shown'),
  },
  {
    name: 'Usage: that of others is told to everybody',
    edits: [change(`${usage}/reports/usage.service.ts`, "else requireAction(ctx, 'usage.read', target)\n", '\n')],
    ...tests('usage/reports/usage', 'is for administrators'),
  },
  {
    name: 'Usage: projects that cannot be read are told apart',
    edits: [
      change(
        `${usage}/reports/usage.reads.ts`,
        "case when ${isOpenTo(db, 'project.read', 'charge.project_id')} then charge.project_id end",
        'charge.project_id',
      ),
    ],
    ...tests('usage/reports/usage', 'a project that cannot be read'),
  },
]
