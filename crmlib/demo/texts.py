"""The words that go with the bank: its params file and the README of its folder."""

from __future__ import annotations

from crmlib.demo import campaign, experiments, plans, plans_truth, survey
from crmlib.demo.settings import END, BankSettings
from crmlib.demo.tariff import CARD_MARGIN

INPUT_FILES = {
    "transactions": "card_transactions.csv.gz",
    "contracts": "contracts.csv",
    "ledger": "ledger.parquet",
    "customers": "customers.csv",
    "identities": "identities.csv",
    "control_totals": "control_totals.csv",
    "external": "external.csv",
    "survey": "survey.csv",
    "choices": "conjoint.csv.gz",
    "maxdiff": "maxdiff.csv.gz",
    "initiatives": "initiatives.csv",
    "processes": "processes.csv",
    "assets": "assets.csv",
    "requires": "requires.csv",
    "budgets": "budgets.csv",
    "pilots": "pilots.csv",
    "contacts": "contacts.csv.gz",
}

# EUR a year and customer: a point of satisfaction with an issue, and a card more in the range.
COSTS = {
    "fees": 0.12,
    "app": 0.06,
    "wait": 0.1,
    "complaints": 0.08,
    "limits": 0.05,
    "advice": 0.12,
    "statements": 0.05,
    "launch": 0.5,
}

_PARAMS = """\
# A synthetic retail bank whose truth is known: `crm demo` has made the data and this file.
# Keys that are not given keep their defaults, which `crm check {path} --settings` lists.
engagement: {name}
title: Demo bank (synthetic)
currency: EUR
time_unit: month
observation_start: {start}
observation_end: {end}
seed: {seed}

inputs:
  # Card purchases; `customer_id` holds the card, which `identities` leads to its customer.
  transactions:
    path: {folder}/{transactions}
    amount_is: card spending
  # Five products, from when to when, and what each contributes a month.
  contracts:
    path: {folder}/{contracts}
  # The bank's account of revenue and cost by customer, month and product.
  ledger:
    path: {folder}/{ledger}
  # Attributes of customers and, with `is_prospect`, of people who are none yet.
  customers:
    path: {folder}/{customers}
  # Cards of customers, and customers who share a household.
  identities:
    path: {folder}/{identities}
  # Revenue and margin by quarter as the bank's books have them.
  control_totals:
    path: {folder}/{control_totals}
  # A panel's estimate of yearly card spending with all banks.
  external:
    path: {folder}/{external}
  # What a sample of customers wants, is satisfied with, and would do.
  survey:
    path: {folder}/{survey}
    # of few respondents all weights may have three decimals, like thousands with a comma
    decimal: "."
  # Which of three credit cards, or none, some of the respondents would take.
  choices:
    path: {folder}/{choices}
  # Which of four benefits matters to them most, and which least.
  maxdiff:
    path: {folder}/{maxdiff}
  # What the bank could do, whom it would reach, what it costs and is believed to bring.
  initiatives:
    path: {folder}/{initiatives}
    decimal: "."
  # The steps of each initiative, and which of them exist.
  processes:
    path: {folder}/{processes}
  # Data, analytics, systems and people: owned, or to be built.
  assets:
    path: {folder}/{assets}
  # Which initiative needs which of them.
  requires:
    path: {folder}/{requires}
  # What may be spent in each quarter.
  budgets:
    path: {folder}/{budgets}
  # What the bank's own trials have found, arm by arm.
  pilots:
    path: {folder}/{pilots}
    decimal: "."
  # Who was offered insurance by lot, who was not, and what both have brought since.
  contacts:
    path: {folder}/{contacts}
    decimal: "."
    # EUR that a contact costs and that what the campaign measured does not hold
    costs: {{insurance_offer: 4}}

value:
  # Value is what the ledger says that running contracts contribute.
  margin_from: ledger
  # What card spending contributes: interchange and exchange margin less scheme costs.
  margin_rate: {margin}
  # What is held against who ends the relationship.
  contract_drivers: [preferred_channel, occupation, income_band, household_size]
  # How those who joined in the window were won.
  acquired_by: acquisition_channel

# What the survey and the choices asked, and the bank's own figures beside them.
questions:
  # A weight says for how many customers a respondent stands.
  weights_are: customers
  benefits:
    functional: [wants_price, wants_product_range, wants_quality]
    process: [wants_ease, wants_convenience, wants_speed]
    relationship: [wants_personal_service, wants_recognition, wants_rewards]
  reasons: [chose_for_price, chose_for_convenience, chose_for_personal, chose_for_rewards]
  loyalty_items:
    reassessment: reassessment
    attachment: attachment
    satisfaction: satisfaction
    life_change: life_change
  satisfaction_scale: [1, 10]
  issues: [satisfied_fees, satisfied_app, satisfied_branch_wait, satisfied_complaint_handling,
    satisfied_card_limits, satisfied_advice, satisfied_statements]
  # EUR a year for a point more of satisfaction with it, and for working on it at all.
  issue_costs: {{satisfied_fees: {fees}, satisfied_app: {app}, satisfied_branch_wait: {wait},
    satisfied_complaint_handling: {complaints}, satisfied_card_limits: {limits},
    satisfied_advice: {advice}, satisfied_statements: {statements}}}
  choice_attributes: [rate, fee, rewards, service, digital]
  choice_price: fee
  choice_money: EUR a year
  choice_better: {{rate: low, fee: low, digital: [full, basic]}}
  choice_base: {{rewards: points, service: call_centre, digital: basic}}
  # Four cards that the bank could issue, and the one that it has.
  offers:
    today: {{rate: 14.9, fee: 30, rewards: points, service: call_centre, digital: basic}}
    low cost: {{rate: 9.9, fee: 0, rewards: points, service: call_centre, digital: basic}}
    in the app: {{rate: 14.9, fee: 30, rewards: points, service: call_centre, digital: full}}
    with adviser: {{rate: 14.9, fee: 60, rewards: points, service: adviser, digital: basic}}
    travel: {{rate: 14.9, fee: 60, rewards: miles, service: call_centre, digital: basic}}
  # EUR that a taker brings a year, and that having the card costs a year.
  offer_margins: {{today: 20, low cost: 6, in the app: 21, with adviser: 18, travel: 25}}
  offer_costs: {{low cost: {launch}, in the app: {launch}, with adviser: {launch},
    travel: {launch}}}
  # How the bank scores itself, 1 to 5, and which discipline a benefit asks for.
  capabilities: {{wants_price: 2, wants_product_range: 4, wants_quality: 4, wants_ease: 3,
    wants_convenience: 3, wants_speed: 2, wants_personal_service: 4, wants_recognition: 3,
    wants_rewards: 2}}
  capability_scale: [1, 5]
  disciplines:
    wants_price: operational excellence
    wants_product_range: product leadership
    wants_quality: product leadership
    wants_ease: operational excellence
    wants_convenience: operational excellence
    wants_speed: operational excellence
    wants_personal_service: customer intimacy
    wants_recognition: customer intimacy
    wants_rewards: product leadership
"""

_README = """\
# Demo bank (synthetic)

A retail bank that does not exist, made to show and to test this workbook:
{customers:,} customers, {prospects:,} prospects, five products, {months} months from {start}
to {end}, in EUR. Because it is made, its truth is known; `truth/` holds it.
Nobody and nothing real stands behind a row.

| file | column | meaning |
|---|---|---|
| card_transactions.csv.gz | customer_id | the *card*; `identities.csv` leads to its customer |
| | date | day of the purchase or refund |
| | amount | EUR; refunds are negative and carry the purchase's number |
| | order_id | authorisation number |
| | channel | shop, online, abroad |
| contracts.csv | customer_id, contract_id | the customer, and the contract |
| | product | current_account, savings, credit_card, personal_loan, insurance |
| | start_date, end_date | first and last day; `end_date` is empty while it runs |
| | monthly_margin | EUR a month before cost to serve, at the customer's usual level |
| ledger.parquet | customer_id, month, product | whose, when (first of the month), on what |
| | line | revenue, cost_to_serve, risk_cost, marketing |
| | amount | EUR; costs are positive |
| | channel | of cost to serve: branch, call_centre, online, mobile |
| customers.csv | customer_id | C… customers, P… prospects |
| | joined | first day as a customer |
| | preferred_channel, consent | how the person wants to be reached, and whether they may be |
| | is_prospect | yes: not a customer yet |
| | pays, decides, benefits | whether the customer pays for the products, decides on them, uses \
them; empty where not known |
| | acquisition_cost, acquisition_channel | of those who joined in the window |
| | birth_year, gender, region, income_band, occupation, household_size | of the person |
| identities.csv | source_id, customer_id | cards of customers; customers of one household |
| control_totals.csv | period | quarters |
| | revenue, margin | in the bank's books, EUR; margin is revenue less all costs |
| external.csv | customer_id | of {known:.0%} of customers and prospects |
| | wallet | card spending with all banks, EUR a year, estimated |
| survey.csv | respondent_id, customer_id | R…; the customer is empty for the {anonymous:.0%} \
who answered anonymously |
| | weight | how many customers of the last year the respondent stands for |
| | wants_price … wants_rewards | importance of nine benefits, 1–5: functional (price, \
product_range, quality), process (ease, convenience, speed), relationship (personal_service, \
recognition, rewards) |
| | chose_for_price … chose_for_rewards | 1: came to the bank for it, else 0 |
| | satisfied_fees … satisfied_statements | satisfaction with seven issues, 1–10 |
| | satisfaction, intention_to_stay | overall, 1–10 |
| | reassessment | compares banks, 1 never – 5 all the time |
| | attachment | feels attached to the bank, 1–5 |
| | life_change | 1: moved, married, changed work or the like in the last year |
| conjoint.csv.gz | respondent_id, task, alternative | {tasks} tasks of three credit cards A–C and \
*none*, whose attributes are empty |
| | chosen | 1 or 0; one in each task |
| | rate, fee | interest in percent a year, EUR a year |
| | rewards, service, digital | points, cashback, miles; call_centre, adviser; basic, full |
| | seconds | time for the task, on each of its rows; no attribute |
| maxdiff.csv.gz | respondent_id, task, item | {sets} tasks of four benefits each |
| | best, worst | 1 for one item of the task each, else 0 |
| initiatives.csv | id, name | the initiative |
| | lever, horizon | acquire, activate, retain, grow, win_back; early, build |
| | segments | whom it reaches: `all`, or cells joined by `;`, any of them; a cell is a value tier \
(high, medium, low), a lifecycle stage (new, relationship, at risk, lapsed), or both joined by \
` & ` |
| | reach, take_up | share of them who are reached, and of the reached who adopt |
| | unit_cost, fixed_cost | EUR per adopter, EUR once; with cpa the effect is the cost per \
customer, and unit_cost is 0 |
| | effect_unit | retention_pp (change of survival over twelve months), margin_pct, \
reactivation_pp, migration_pp (of those in from_tier, who move to to_tier), cpa |
| | prior_mean, prior_sd | believed effect per adopter, *as a share*: 0.03 is 3 percentage points \
or 3 %; of cpa EUR per customer won |
| | evidence | A own trials, B another bank's trial, C a quasi-experiment, D benchmarks, \
E an opinion |
| | half_life | years until half of the effect is left |
| | from_tier, to_tier, volume | of migration_pp; customers who can be won, of cpa |
| | exclusive_group, earliest_wave | of which only one may start; first wave to start in |
| processes.csv | initiative, step, exists | steps of the initiative, and whether they exist |
| assets.csv | id, type, owned | data, analytics, system, people; whether the bank has it |
| | build_cost, run_cost, lead_waves | EUR once, EUR a wave, waves until it is ready |
| requires.csv | initiative, asset | what the initiative cannot start without |
| budgets.csv | wave, cap | quarter from 1, EUR that may be spent in it |
| pilots.csv | initiative, segment, arm | treated or control, in a cell of its `segments` |
| | n, mean, sd | customers in the arm; mean and standard deviation of their outcome |
| | outcome | retained or reactivated (0 or 1), margin_change (relative) |
| | estimand | assigned: per person in the arm, thus the effect times take_up; adopter: \
per adopter |
| | window_days, start, look | days of measurement, first day, number of the look (n grows) |
| contacts.csv.gz | customer_id, campaign, arm | treated or control, by lot |
| | channel, sent_at, responded_at | letter, call, email; day of the offer, which the control \
group did not get; day of the answer |
| | outcome | contribution in the {window} days from then, EUR, as the campaign measured it |
| truth/customers.csv.gz | | archetype, changes and expected profit of every customer |
| truth/archetypes.json | | the parameters of the six archetypes |
| truth/bank.json | | settings, planted defects and differences, totals |
| truth/needs.csv.gz | | needs segment and loyalty profile of every customer |
| truth/respondents.csv.gz | | who each respondent is, and the part-worths behind the choices |
| truth/needs.json | | the numbers from which needs and answers are drawn |
| truth/initiatives.csv | initiative, segment | initiative, and a cell of its `segments` |
| | effect_unit, effect | true effect per adopter |
| truth/initiatives.json | | the numbers from which effects, pilots and campaign are drawn |

**What is planted.** Six archetypes, one of which appears late and one of which
dies out. A fifth of the customers holds some four fifths of the profit, a quarter
brings a loss. More value is lost to customers who shrink than to customers who
leave. Card spending {season}. Some rows of
card_transactions.csv.gz are spoilt as exports are: {defects}.
The books of {quarter} hold {difference:.1%} more revenue than the ledger.

**What is planted in the answers.** Four needs segments: *price*, *convenience*, *personal*
service, *rewards*; which one a customer is in hangs together with archetype, preferred
channel, age and income, and does not follow from them. Within a segment the nine benefits
and four reasons are independent of each other. Six loyalty profiles: three of customers who
stay (emotive, deliberative, inertial), three of those who leave or shrink (lifestyle,
deliberative, dissatisfied), the latter far more frequent among customers who have gone or
do less business. Overall satisfaction adds up {level} and the issues times their weights:
{weights}; satisfaction with {broken} pays up to {break_at:g} and no further,
and {useless} are costly to improve and no one is more satisfied for it.
For {asked:.0%} of their number, customers of the last year were asked; who holds a credit
card was {oversampled} times as likely to be, which the weights undo. Of all answers
{missing[0]:.0%} are missing up to 50 years of age and {missing[1]:.0%} above. {invited:.0%} of the
respondents took part in the conjoint and as many in the MaxDiff, half of them in both.
Their part-worths depend on the segment and scatter from person to person; about
{straight:.0%} of the conjoint's participants always take card A and {speeders:.0%} click through.

**What is planted in initiatives and pilots.** Every initiative has a true effect per adopter in
each of its segments, normal around a mean of its own. *{favourite}*, which everybody likes,
has none; *{harmful}* does harm, as it teaches customers to compare prices; the
other pilots are of initiatives that work, *churn_triggers* on too few customers to be sure.
Initiatives of grade E hold what a deck claims, and the truth is a fraction of it.
{late} cannot be ready within {waves} waves. A trial may count customers of several
quarters, so its arms can exceed a segment of today. Costs, budgets and volumes grow with
the bank, effects do not.
The campaign *{campaign}* chose {chosen:.0%} of the consenting customers without insurance; half
of them, by lot, got the offer in September 2025. It brings {effect:g} EUR a customer in households
of {large} and more, and {elsewhere:g} EUR in others; a contact costs {contact:g} EUR, which
the outcome does not hold. It hangs together with the contribution of the three months before, is
measured by the campaign alone and is not in the ledger, nor are contracts that it may have sold.

| truth/respondents.csv.gz | meaning |
|---|---|
| customer_id | also of those who answered anonymously |
| needs_segment, loyalty_profile | as in truth/needs.csv.gz |
| answers | in the conjoint: usual, straight-liner, speeder |
| worth_rate, worth_fee | utility per percent and per EUR |
| worth_cashback, worth_miles, worth_adviser, worth_full | against points, call_centre, basic |
| worth_card | of any card against none, before its attributes |

| truth/customers.csv.gz | meaning |
|---|---|
| household | the customer's id after merging |
| archetype | the latent segment |
| migration, migration_month | none, down or up; its first month |
| migration_factor | on spend and balances, from then on |
| left | last month as a customer; it may lie just after the window |
| leave_risk, down_risk, up_risk | probabilities a month, before a migration |
| card_rate, card_ticket | purchases a month, median amount, before a migration |
| profit, expected_profit | in the window: the ledger's, and its expectation |
| monthly_before, monthly_after | expected profit of an average month around the migration |
| lost_by_migration, lost_by_leaving | expected profit of a year that they have taken |
| expected_next_year | expected profit of the twelve months after the window |

**Source.** Synthetic, made by `crmlib/demo/` of this project. To make it again, bit for bit:

    {command}

**Licence.** MIT, as the project's.
"""


def params_text(settings: BankSettings) -> str:
    """The params file of the bank."""
    return _PARAMS.format(
        name=settings.name,
        path=f"params/{settings.name}.yml",
        folder=f"../data/{settings.name}",
        start=settings.start,
        end=END,
        seed=settings.seed,
        margin=CARD_MARGIN,
        **{name: round(each * settings.customers) for name, each in COSTS.items()},
        **INPUT_FILES,
    )


def command(settings: BankSettings) -> str:
    """The command that makes this bank."""
    given, usual = settings, BankSettings()
    parts = [f"crm demo --customers {given.customers}"]
    parts += [f"--months {given.months}"] * (given.months != usual.months)
    parts += [f"--seed {given.seed}"] * (given.seed != usual.seed)
    parts += ["--no-seasonality"] * (not given.seasonality)
    parts += [f"--name {given.name}"] * (given.name != usual.name)
    return " ".join([*parts, "--out ."])


def readme_text(
    settings: BankSettings,
    *,
    prospects: int,
    known: float,
    planted: dict[str, int],
    quarter: str,
    difference: float,
) -> str:
    """The README of the bank's folder.

    Parameters
    ----------
    prospects : int
        How many there are.
    known : float
        Share of people with an estimate of their wallet.
    planted : dict
        Planted defects and how many rows each has.
    quarter, difference
        Where the books differ from the ledger, and by how much.
    """
    season = "peaks in December and dips in August" if settings.seasonality else "has no season"
    defects = ",\n".join(f"{count} × {reason}" for reason, count in planted.items())
    return _README.format(
        customers=settings.customers,
        prospects=prospects,
        months=settings.months,
        start=settings.start,
        end=END,
        known=known,
        season=season,
        defects=defects,
        quarter=quarter,
        difference=difference,
        command=command(settings),
        **_answers(),
        **_plans(),
    )


def _answers() -> dict[str, object]:
    """What the README says of survey, conjoint and MaxDiff."""
    weights = zip(survey.ISSUES, survey.WEIGHTS, strict=True)
    return {
        "anonymous": 1 - survey.LINKED,
        "tasks": experiments.TASKS,
        "sets": experiments.SETS,
        "level": survey.LEVEL,
        "weights": ", ".join(f"{issue} {weight}" for issue, weight in weights),
        "broken": survey.BREAK_ISSUE,
        "break_at": survey.BREAK_AT,
        "useless": survey.USELESS_ISSUE,
        "asked": survey.ASKED,
        "oversampled": survey.CARD_OVERSAMPLED,
        "missing": survey.MISSING,
        "invited": experiments.INVITED,
        "straight": experiments.STRAIGHT_LINERS,
        "speeders": experiments.SPEEDERS,
    }


def _plans() -> dict[str, object]:
    """What the README says of initiatives, pilots and the campaign."""
    late = plans_truth.plans_json()["not_ready_within_the_waves"]
    return {
        "favourite": plans.FAVOURITE,
        "harmful": plans.HARMFUL,
        "late": " and ".join(f"The asset {name}" for name in late),
        "waves": plans.WAVES,
        "campaign": campaign.CAMPAIGN,
        "window": campaign.WINDOW,
        "chosen": campaign.CHOSEN,
        "effect": campaign.EFFECT,
        "elsewhere": campaign.EFFECT_ELSEWHERE,
        "large": campaign.RESPONDERS_FROM,
        "contact": campaign.CONTACT_COST,
    }
