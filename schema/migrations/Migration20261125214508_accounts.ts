import { Migration } from '@mikro-orm/migrations';

export class Migration20261125214508_accounts extends Migration {

  override name = 'Migration20261125214508_accounts';

  override up(): void | Promise<void> {
    this.addSql(`create table "login_failure" ("key" varchar(64) not null, "failures" int not null, "failed_at" timestamptz not null, "locked_until" timestamptz null, primary key ("key"));`);
    this.addSql(`create index "login_failure_failed_at_index" on "login_failure" ("failed_at");`);

    this.addSql(`create table "registration" ("id" uuid not null, "email" varchar(254) not null, "email_key" varchar(254) not null, "username" varchar(32) null, "display_name" varchar(80) not null, "password_hash" varchar(255) not null, "created_at" timestamptz not null, "expires_at" timestamptz not null, primary key ("id"));`);
    this.addSql(`create index "registration_email_key_index" on "registration" ("email_key");`);
    this.addSql(`create index "registration_expires_at_index" on "registration" ("expires_at");`);

    this.addSql(`create table "one_time_token" ("id" uuid not null, "user_id" uuid not null, "purpose" varchar(16) not null, "email_key" varchar(254) not null, "created_at" timestamptz not null, "expires_at" timestamptz not null, "used_at" timestamptz null, primary key ("id"));`);
    this.addSql(`create index "one_time_token_expires_at_index" on "one_time_token" ("expires_at");`);
    this.addSql(`create index "one_time_token_user_id_purpose_index" on "one_time_token" ("user_id", "purpose");`);

    this.addSql(`alter table "organization" add "access_epoch" int not null default 0, add "deleted_at" timestamptz null;`);

    this.addSql(`alter table "user" add "preferences" jsonb not null default '{}', add "access_epoch" int not null default 0, add "deleted_at" timestamptz null;`);
    this.addSql(`alter table "user" alter "preferences" drop default;`);

    this.addSql(`drop index "device_session_user_id_index";`);
    this.addSql(`alter table "device_session" add "device_id" uuid not null default gen_random_uuid(), add "device_type" varchar(16) not null default 'OTHER', add "refreshed_by" varchar(600) not null default 'agent:', add "last_seen_at" timestamptz not null default 'epoch';`);
    this.addSql(`update "device_session" set "refreshed_by" = 'agent:' || coalesce("user_agent", ''), "last_seen_at" = "refreshed_at";`);
    this.addSql(`alter table "device_session" alter "device_id" drop default, alter "device_type" drop default, alter "refreshed_by" drop default, alter "last_seen_at" drop default;`);
    this.addSql(`create index "device_session_user_id_device_id_index" on "device_session" ("user_id", "device_id");`);

    this.addSql(`alter table "one_time_token" add constraint "one_time_token_user_id_foreign" foreign key ("user_id") references "user" ("id");`);
    this.addSql(`alter table "one_time_token" add constraint "one_time_token_purpose_check" check (purpose in ('VERIFY_EMAIL', 'RESET_PASSWORD'));`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "login_failure" cascade;`);
    this.addSql(`drop table if exists "registration" cascade;`);
    this.addSql(`drop table if exists "one_time_token" cascade;`);

    this.addSql(`drop index "device_session_user_id_device_id_index";`);
    this.addSql(`alter table "device_session" drop column "device_id", drop column "device_type", drop column "refreshed_by", drop column "last_seen_at";`);
    this.addSql(`create index "device_session_user_id_index" on "device_session" ("user_id");`);

    this.addSql(`alter table "organization" drop column "access_epoch", drop column "deleted_at";`);

    this.addSql(`alter table "user" drop column "preferences", drop column "access_epoch", drop column "deleted_at";`);
  }

}
