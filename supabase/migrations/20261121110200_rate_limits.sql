set role nokkel_owner;

-- What is counted over all servers. Unlogged: after a crash everybody begins anew, which is what a minute later brings anyway.
create unlogged table nokkel.rate_counter (
  -- SHA-256 of who is counted and for what.
  subject bytea primary key check (length(subject) = 32),
  -- Of the minute that is counted now.
  window_start timestamptz not null,
  current integer not null,
  previous integer not null
);
call nokkel.protect('nokkel.rate_counter');

-- Takes from p_least to p_most of the p_limit of a minute, or none. A sliding window made of two fixed ones: the previous
-- counts in proportion to how much of it is less than a minute old. By the clock of the database: that of each server differs.
create function nokkel.take_rate(
  p_subject bytea, p_least integer, p_most integer, p_limit integer, p_at timestamptz default clock_timestamp()
) returns table (granted integer, wait_milliseconds integer, left_milliseconds integer)
  language plpgsql security definer set search_path = '' as $$
declare
  v_window constant interval := interval '1 minute';
  v_start timestamptz := to_timestamp(floor(extract(epoch from p_at) / 60) * 60);
  v_current integer; v_previous integer; v_free integer;
  -- How much of the window is left, from 1 to 0, and how much will be when there is room.
  v_left double precision; v_room double precision;
  -- What the arithmetic may be off by.
  v_error constant double precision := 1e-6;
begin
  insert into nokkel.rate_counter as c (subject, window_start, current, previous) values (p_subject, v_start, 0, 0)
    -- A later window than ours: it began while we waited for the row.
    on conflict (subject) do update set
      window_start = greatest(c.window_start, excluded.window_start),
      current = case when c.window_start >= excluded.window_start then c.current else 0 end,
      previous = case
        when c.window_start >= excluded.window_start then c.previous
        when c.window_start = excluded.window_start - v_window then c.current
        else 0 end
    returning c.window_start, c.current, c.previous into v_start, v_current, v_previous;
  v_left := least(1, 1 - extract(epoch from p_at - v_start) / 60);
  v_free := floor(p_limit - v_current - v_previous * v_left + v_error);
  if v_free >= p_least then
    granted := least(p_most, v_free);
    update nokkel.rate_counter c set current = c.current + granted where c.subject = p_subject;
    wait_milliseconds := 0;
  else
    granted := 0;
    if v_current + p_least <= p_limit then
      v_room := (p_limit - v_current - p_least)::double precision / v_previous;
    else
      v_room := greatest(0, p_limit - p_least)::double precision / greatest(1, v_current) - 1;
    end if;
    wait_milliseconds := ceil((v_left - v_room) * 60000 - v_error);
  end if;
  left_milliseconds := floor(v_left * 60000 + v_error);
  return next;
end
$$;
grant execute on function nokkel.take_rate(bytea, integer, integer, integer, timestamptz) to nokkel_server;

create or replace function nokkel.schema_version() returns text language sql immutable set search_path = '' as
  $$ select '20261121110200' $$;

reset role;
