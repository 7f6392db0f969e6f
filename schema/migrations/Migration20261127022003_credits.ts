import { Migration } from '@mikro-orm/migrations';

export class Migration20261127022003_credits extends Migration {

  override name = 'Migration20261127022003_credits';

  override up(): void | Promise<void> {
    this.addSql(`create table "credit_entry" ("transaction_id" uuid not null, "account" varchar(16) not null, "organization_id" uuid not null, "move" varchar(16) not null, "reference" varchar(64) not null, "amount" bigint not null, "created_at" timestamptz not null, primary key ("transaction_id", "account"));`);
    this.addSql(`create index "credit_entry_organization_id_created_at_index" on "credit_entry" ("organization_id", "created_at");`);
    this.addSql(`create unique index "credit_entry_given_back_once_unique" on "credit_entry" ("organization_id", "reference") where "account" = 'HELD' and "amount" < 0;`);
    this.addSql(`alter table "credit_entry" add constraint "credit_entry_once_unique" unique ("organization_id", "move", "reference", "account");`);

    this.addSql(`create table "credit_balance" ("organization_id" uuid not null, "allowance" bigint not null, "granted" bigint not null, "held" bigint not null, "allowance_month" varchar(7) not null, "allowance_issued" bigint not null, "is_paused_by_organization" boolean not null default false, "is_paused_by_platform" boolean not null default false, "session_cap" bigint null, "agent_cap" bigint null, primary key ("organization_id"));`);

    this.addSql(`create table "charge" ("message_id" uuid not null, "organization_id" uuid not null, "session_id" uuid not null, "project_id" uuid null, "actor_id" uuid not null, "model_id" varchar(128) not null, "price_version" varchar(128) null, "rates" jsonb null, "held_allowance" bigint not null, "held_granted" bigint not null, "allowance_month" varchar(7) not null, "status" varchar(16) not null, "cost" bigint not null default '0', "input_tokens" int not null default 0, "cached_input_tokens" int not null default 0, "output_tokens" int not null default 0, "reasoning_tokens" int not null default 0, "created_at" timestamptz not null, "expires_at" timestamptz null, "ended_at" timestamptz null, primary key ("message_id"));`);
    this.addSql(`create index "charge_organization_id_ended_at_index" on "charge" ("organization_id", "ended_at");`);
    this.addSql(`create index "charge_session_id_index" on "charge" ("session_id");`);
    this.addSql(`create index "charge_organization_id_actor_id_created_at_index" on "charge" ("organization_id", "actor_id", "created_at");`);
    this.addSql(`create index "charge_expires_index" on "charge" ("expires_at") where "status" = 'HELD';`);

    this.addSql(`alter table "message" add "price_version" varchar(128) null, add "reading" jsonb null;`);

    this.addSql(`alter table "credit_entry" add constraint "credit_entry_organization_id_foreign" foreign key ("organization_id") references "organization" ("id");`);
    this.addSql(`alter table "credit_entry" add constraint "credit_entry_account_check" check (account in ('ALLOWANCE', 'GRANTED', 'HELD', 'ISSUED', 'SPENT', 'LAPSED'));`);
    this.addSql(`alter table "credit_entry" add constraint "credit_entry_move_check" check (move in ('ALLOWANCE', 'GRANT', 'HOLD', 'SETTLE', 'RELEASE', 'EXPIRE', 'LATE'));`);
    this.addSql(`alter table "credit_entry" add constraint "credit_entry_amount_check" check (amount <> 0);`);
    this.addSql(`create or replace function "credit_entry_insert_only_fn"() returns trigger as \$\$ begin raise exception 'credit_entry is insert-only' using errcode = 'insufficient_privilege'; end; \$\$ language plpgsql;`);
    this.addSql(`create trigger "insert_only" BEFORE UPDATE on "credit_entry" for each STATEMENT execute function "credit_entry_insert_only_fn"();`);
    this.addSql(`create or replace function "credit_entry_balanced_fn"() returns trigger as \$\$ begin if (select sum(amount) from credit_entry where transaction_id = new.transaction_id) <> 0 then raise exception 'a move of credits does not come to nothing' using errcode = 'check_violation'; end if; return null; end; \$\$ language plpgsql;`);
    this.addSql(`create trigger "balanced" AFTER INSERT on "credit_entry" for each ROW execute function "credit_entry_balanced_fn"();`);

    this.addSql(`alter table "credit_balance" add constraint "credit_balance_organization_id_foreign" foreign key ("organization_id") references "organization" ("id") on update cascade on delete cascade;`);
    this.addSql(`alter table "credit_balance" add constraint "credit_balance_never_negative" check (allowance >= 0 and granted >= 0 and held >= 0);`);

    this.addSql(`alter table "charge" add constraint "charge_organization_id_foreign" foreign key ("organization_id") references "organization" ("id");`);
    this.addSql(`alter table "charge" add constraint "charge_status_check" check (status in ('HELD', 'SETTLED', 'EXPIRED'));`);
    this.addSql(`alter table "charge" add constraint "charge_never_more_than_held" check (cost >= 0 and cost <= held_allowance + held_granted);`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop trigger if exists "insert_only" on "credit_entry";`);
    this.addSql(`drop function if exists "credit_entry_insert_only_fn"();`);
    this.addSql(`drop trigger if exists "balanced" on "credit_entry";`);
    this.addSql(`drop function if exists "credit_entry_balanced_fn"();`);
    this.addSql(`drop table if exists "credit_entry" cascade;`);
    this.addSql(`drop table if exists "credit_balance" cascade;`);
    this.addSql(`drop table if exists "charge" cascade;`);

    this.addSql(`alter table "message" drop column "price_version", drop column "reading";`);
  }

}
