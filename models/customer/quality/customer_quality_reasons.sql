with themes as (

    select distinct
        theme_number,
        above_words,
        below_words
    from {{ ref('quality_feature_themes') }}

),

directions as (

    select
        'against: ' as direction,
        0 as direction_code
    union all
    select
        'for: ' as direction,
        2 as direction_code

),

-- The code is what the scores write: the theme, which way it pulls, and whether it is above usual.
customer_quality_reasons as (

    select
        4 * themes.theme_number + directions.direction_code as reason_code,
        directions.direction || themes.below_words as reason
    from themes
    cross join directions
    union all
    select
        4 * themes.theme_number + directions.direction_code + 1 as reason_code,
        directions.direction || themes.above_words as reason
    from themes
    cross join directions

)

select * from customer_quality_reasons
