import { forgetFailures } from './modules/accounts/guessing/login-failure.jobs.ts'
import { invitationMail } from './modules/accounts/invitations/invitation.jobs.ts'
import { purgeOrganizations } from './modules/accounts/organizations/organization.jobs.ts'
import { noticeMail } from './modules/accounts/passwords/notice.jobs.ts'
import { accountsHousekeeping } from './modules/accounts/users/user.jobs.ts'
import {
  accountMadeMail,
  passwordResetMail,
  registrationMail,
  verificationMail,
} from './modules/accounts/verification/verification.jobs.ts'
import { stopSpending } from './modules/chat/generations/spending-stop.jobs.ts'
import { renewVectors, tidyVectors } from './modules/chat/search/embedding.jobs.ts'
import { forgetWords } from './modules/chat/search/search-word.jobs.ts'
import { projectPurge } from './modules/chat/sessions/project-purge.jobs.ts'
import { findLinks, findLostLinks } from './modules/ocean/links/link.jobs.ts'
import { bookAllowances, expireHolds } from './modules/usage/credits/credits.jobs.ts'
import type { Platform } from './platform/context.ts'
import { signingKeyRotation } from './platform/crypto/signing-key.jobs.ts'
import { housekeeping } from './platform/housekeeping.jobs.ts'
import type { Job } from './platform/jobs.ts'

/** Every background job there is. */
export const jobs: readonly Job<Platform, unknown>[] = [
  housekeeping,
  signingKeyRotation,
  accountsHousekeeping,
  forgetFailures,
  registrationMail,
  verificationMail,
  passwordResetMail,
  accountMadeMail,
  noticeMail,
  projectPurge,
  invitationMail,
  purgeOrganizations,
  findLinks,
  findLostLinks,
  renewVectors,
  tidyVectors,
  forgetWords,
  bookAllowances,
  expireHolds,
  stopSpending,
]
