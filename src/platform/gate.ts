import { type Action, isAllowed, isGrantable, isGranted, permissionsOf, type Standing } from './access.ts'
import {
  type ActingViewer,
  becomeViewer,
  type Context,
  holdToGates,
  releaseFromGates,
  relyOn,
  type UserViewer,
} from './context.ts'
import { AccessMoved, Forbidden, NotFound, Unauthenticated, Unavailable } from './errors.ts'

/** Whoever is acting: a person, a key or an agent. @throws {Unauthenticated} when nobody is signed in */
export function requireViewer(ctx: Context): ActingViewer {
  if (ctx.viewer.kind === 'anonymous') throw new Unauthenticated(ctx.viewer.reason ?? undefined)
  return ctx.viewer
}

/**
 * The person who is acting, on a device of theirs: for what no key and no agent may do in their name, whatever it was
 * granted. Their role is asked for by whoever knows the thing. @throws {Unauthenticated | Forbidden}
 */
export function requirePerson(ctx: Context, action: Action, target: string | null = null): UserViewer {
  if (isGrantable(action)) throw new Error(`${action} is not marked as personOnly in its policy`)
  const viewer = requireViewer(ctx)
  if (viewer.kind !== 'user') throw new Forbidden(action, target)
  return viewer
}

/** Whoever is acting, once they may do this to the thing, or in the organization. @throws {Unauthenticated | Forbidden} */
export function requireAction(
  ctx: Context,
  action: Action,
  target: string | null = null,
  thing?: Standing,
): ActingViewer {
  const viewer = requireViewer(ctx)
  if (!isAllowed(viewer, action, thing)) throw new Forbidden(action, target)
  if (thing?.home) relyOn(ctx, thing.home.projectId, thing.home.epoch)
  return viewer
}

/** Whether the viewer may do this to a thing, or in the organization. */
export function may(ctx: Context, action: Action, thing?: Standing): boolean {
  return ctx.viewer.kind !== 'anonymous' && isAllowed(ctx.viewer, action, thing)
}

/** Whether anything at all may be open to the viewer for this: which things are, their roles on them decide. */
export function isGrantedTo(ctx: Context, action: Action): boolean {
  return ctx.viewer.kind !== 'anonymous' && isGranted(ctx.viewer, action)
}

/** Demands what an answer will need, before anything is done. @throws {Unauthenticated | Forbidden} */
export function requireGrant(ctx: Context, action: Action): void {
  requireViewer(ctx)
  if (!isGrantedTo(ctx, action)) throw new Forbidden(action)
}

/** What the viewer may do to a thing, of the actions that begin with one of these nouns; sorted. */
export function allowedActions(ctx: Context, thing: Standing, ...nouns: readonly string[]): Action[] {
  if (ctx.viewer.kind === 'anonymous') return []
  return permissionsOf(ctx.viewer, thing).filter((action) => nouns.some((noun) => action.startsWith(`${noun}.`)))
}

/** What a gate found, checked: absent and unreadable are one answer, and only what can be read can be forbidden. */
export function pass<Row extends Standing>(
  ctx: Context,
  noun: string,
  row: Row | null,
  action: Action,
  target: string,
): Row {
  requireViewer(ctx)
  if (row === null) throw new NotFound(noun, action, target)
  requireAction(ctx, action, target, row)
  return row
}

/** How often rights may change under one change before its caller is sent away. */
const MAX_TRIES = 5

/**
 * Runs a change whose transaction is refused if the caller's access moved since its gates: it did nothing, and is asked
 * again as who they are now. @throws {Unavailable} when that goes on
 */
export async function heldToGates<Result>(ctx: Context, run: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    holdToGates(ctx)
    try {
      return await run()
    } catch (error) {
      if (!(error instanceof AccessMoved)) throw error
      if (tries === MAX_TRIES) throw new Unavailable()
      becomeViewer(ctx, await ctx.platform.currentViewer(ctx.viewer))
    } finally {
      releaseFromGates(ctx)
    }
  }
}
