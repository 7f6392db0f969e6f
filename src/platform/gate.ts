import { type Action, roleIncludes } from './access.ts'
import type { Context, UserViewer } from './context.ts'
import { Forbidden, NotFound, Unauthenticated } from './errors.ts'

/** The person who is acting. @throws {Unauthenticated} when nobody is signed in */
export function requireUser(ctx: Context): UserViewer {
  if (ctx.viewer.kind === 'anonymous') throw new Unauthenticated(ctx.viewer.reason ?? undefined)
  return ctx.viewer
}

/** The person who is acting, once their role includes the action. @throws {Unauthenticated | Forbidden} */
export function requireAction(ctx: Context, action: Action, target: string | null = null): UserViewer {
  const viewer = requireUser(ctx)
  if (!roleIncludes(viewer.role, action)) throw new Forbidden(action, target)
  return viewer
}

/** Whether the viewer's role includes the action. */
export function may(ctx: Context, action: Action): boolean {
  return ctx.viewer.kind !== 'anonymous' && roleIncludes(ctx.viewer.role, action)
}

/** What a gate found, checked: absent and unreadable are one answer, and only what can be read can be forbidden. */
export function pass<Row>(ctx: Context, noun: string, row: Row | null, action: Action, target: string): Row {
  requireUser(ctx)
  if (row === null) throw new NotFound(noun, action, target)
  requireAction(ctx, action, target)
  return row
}
