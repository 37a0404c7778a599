{#-
    Why somebody is not contacted, in words.
    suppression: the expression of the word for it
    channel: the expression of the channel
-#}
{% macro suppression_words(suppression, channel) -%}
    case {{ suppression }}
            when 'no_consent' then 'has not agreed to be contacted by ' || {{ channel }}
            when 'unsubscribed' then 'has unsubscribed from ' || {{ channel }}
            when 'bounced' then 'cannot be reached by ' || {{ channel }}
            when 'complained' then 'has complained about being contacted'
            when 'erased' then 'has been erased'
            when 'staff' then 'belongs to the staff'
            when 'test' then 'is a test account'
            when 'fraud' then 'is under suspicion of fraud'
            when 'open_complaint' then 'has a complaint that is not settled'
            when 'recent_order' then 'has ordered only just now'
            when 'undelivered_order' then 'is waiting for an order'
            when 'low_rating' then 'has given a low rating lately'
            when 'past_date'
                then 'later dates have assignments already, so nobody is assigned looking back'
            else 'must not be contacted'
        end
{%- endmacro %}
